package import Store

extension Query {
    /// Which events a reader wants, and how long it waits for them.
    package struct Request: Sendable {
        package static let limitMax = 10_000
        package static let waitSecondsMax = 60.0
        /// Bytes of a page that is asked for once, and of one that is pushed: of the latter, a
        /// thousand readers that do not read must fit in memory.
        static let pageBytesMax = 8 << 20
        static let followedPageBytesMax = 256 << 10

        /// Where to go on. nil: at the consumer's committed cursor, else at the first retained
        /// event.
        package var cursor: String?
        /// Events with a timestamp of at least `from` and less than `to` (milliseconds, UTC).
        package var from: Milliseconds?
        package var to: Milliseconds?
        /// Events of a page, 1 … 10,000. A page may hold fewer: it ends at 8 MiB too.
        package var limit: Int
        /// How long an empty page is held back, 0 … 60 s.
        package var waitSeconds: Double
        /// A named consumer of this client: 1 … 128 characters of `A–Z a–z 0–9 . _ ~ -`.
        package var consumer: String?
        /// Only events under this data key: one session's of one day.
        package var keyLink: KeyLink?
        /// A page ends before the event that would exceed this; one event it always holds.
        var pageBytesMax = Self.pageBytesMax

        package init(
            cursor: String? = nil, from: Milliseconds? = nil, to: Milliseconds? = nil,
            limit: Int = 1_000, waitSeconds: Double = 0, consumer: String? = nil,
            keyLink: KeyLink? = nil
        ) {
            self.cursor = cursor
            self.from = from
            self.to = to
            self.limit = limit
            self.waitSeconds = waitSeconds
            self.consumer = consumer
            self.keyLink = keyLink
        }

        func check() throws(QueryError) {
            guard (1...Self.limitMax).contains(limit) else {
                throw .badRequest("limit must be 1 to \(Self.limitMax)")
            }
            // Written so that not-a-number is refused too.
            guard waitSeconds >= 0, waitSeconds <= Self.waitSecondsMax else {
                throw .badRequest("wait must be 0 to \(Int(Self.waitSecondsMax)) seconds")
            }
            if let from, from < 0 { throw .badRequest("from must not be negative") }
            if let to, to < 0 { throw .badRequest("to must not be negative") }
            if let consumer, !ConsumerCursors.isName(consumer) {
                throw .badRequest("consumer must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
            }
        }
    }
}
