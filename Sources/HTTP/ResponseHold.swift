/// A place in the memory that response bodies may take until the client has them.
///
/// Clients decide how fast they take an answer, so what waits for them needs a bound over all
/// connections. Confined to its event loop: made there, and dropped there with the stream or
/// connection that holds the body.
final class ResponseHold {
    /// Shorter bodies, such as problem documents, are not counted.
    static let uncountedBytes = 4 << 10

    private let loop: HTTPLoop
    private let count: Int

    /// nil: this loop's share of `HTTPConfiguration.responseBytesMaxTotal` is used up.
    init?(_ count: Int, on loop: HTTPLoop) {
        let configuration = loop.configuration
        let share = configuration.responseBytesMaxTotal / configuration.eventLoopThreads
        // One body of any size may always wait: the bound must not make an answer impossible.
        guard loop.heldResponseBytes == 0 || loop.heldResponseBytes + count <= share else {
            return nil
        }
        self.loop = loop
        self.count = count
        loop.heldResponseBytes += count
    }

    deinit { loop.heldResponseBytes -= count }
}
