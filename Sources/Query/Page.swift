import Store

extension Query {
    /// Events of one partition, in order, ready to be sent.
    package struct Page: Sendable {
        /// One event a line, each ended by LF; canonical JSON holds no raw LF itself.
        /// At most 8 MiB. Of a derived stream: personal data in clear, on record as released.
        package let body: [UInt8]
        /// Lines of `body`.
        package let count: Int
        /// Goes on behind the last event looked at. Set on an empty page too.
        package let nextCursor: String
        /// Events passed over because their consent does not suffice.
        package let dropped: Int
        /// Fields that stayed sealed because their key is gone.
        package let sealedFields: Int

        /// Gives the events one by one, without their line ends; the bytes die with each call.
        package func forEachEvent(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            try self.body.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while let end = rest.firstIndex(of: 0x0A) {
                    try body(UnsafeRawBufferPointer(rebasing: rest[..<end]))
                    rest = rest[(end + 1)...]
                }
            }
        }
    }
}
