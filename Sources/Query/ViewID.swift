import Store

/// The stream, or the derived stream of it, that a cursor belongs to.
struct ViewID: Hashable, Sendable {
    var stream: StreamID
    var derived: StreamID?
}
