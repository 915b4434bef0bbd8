package import Store

/// Telling sequences and people apart without knowing them, for counts.
extension Vault {
    /// Half of the HMAC of a key-field value or of a data subject, under a key of the stream.
    package struct Mark: Hashable, Sendable {
        let high: UInt64
        let low: UInt64

        init(_ hash: Hash256) {
            high = hash.first
            low = hash.second
        }

        /// Of a sequence whose record is gone: its link, which no other sequence has.
        package init(_ link: KeyLink) {
            high = link.high
            low = link.low
        }
    }

    /// The sequence that a key link is of: the same for all links of one key-field value in a
    /// stream, which gets a new link each day. nil if the key's record is gone. Blocks: reads one
    /// record.
    package func sequence(of link: KeyLink) throws(VaultError) -> Mark? {
        let store = try attachedStore()
        let record = try readingStore { () throws(StoreError) in try store.readKey(link) }
        guard let record else { return nil }
        return Mark(try KeyRecord(record).sequence)
    }

    /// The data subject and the key link of an entry of the family of subjects; nil for anything
    /// else.
    package static func subject(ofKey key: UnsafeRawBufferPointer) -> (Mark, KeyLink)? {
        let start = MemoryLayout<StreamID>.size
        let linkBytes = MemoryLayout<KeyLink>.size
        guard key.count == start + Hash256.byteCount + linkBytes,
            let hash = Hash256(
                UnsafeRawBufferPointer(rebasing: key[start..<start + Hash256.byteCount])),
            let link = KeyLink(
                bytes: UnsafeRawBufferPointer(rebasing: key[(start + Hash256.byteCount)...]))
        else { return nil }
        return (Mark(hash), link)
    }

    /// What the entries of a stream's subjects begin with.
    package static func subjectPrefix(_ stream: StreamID) -> [UInt8] {
        withUnsafeBytes(of: stream.rawValue.bigEndian) { Array($0) }
    }
}
