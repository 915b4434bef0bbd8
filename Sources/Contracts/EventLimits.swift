/// The bounds that every event must keep; what they bound is measured in bytes unless the name says
/// otherwise.
package struct EventLimits: Sendable {
    /// The body as received.
    package var bodyBytesMax = 1 << 20
    /// The canonical JSON: defaults and number forms can make it longer than the body.
    package var canonicalBytesMax = 2 << 20
    /// One string, bytes or fixed value, unescaped.
    package var stringBytesMax = 256 << 10
    /// One member name or map key, unescaped.
    package var keyBytesMax = 256
    /// Members of one map: a bound for the duplicate check.
    package var mapKeyCountMax = 1_024
    /// Items of one array or map in Avro binary.
    package var itemCountMax = 1_000_000
    /// Items of an array whose items take no bytes in Avro binary: nothing else would bound them.
    package var emptyItemCountMax = 10_000

    /// Nested records, lists and maps, the event itself included. Fixed: stacks are sized by it.
    package static let depthMax = 64

    package init() {}
}
