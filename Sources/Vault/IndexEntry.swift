import Store

/// Keys and values of the families that lead to data keys. No personal value is in them, only
/// HMAC-SHA-256 under keys of the stream that come from the keyring.
///
/// ```
/// index    key    stream 4 | HMAC of the key-field value 32
///          value  version 1 = 1 | key link 16 | created 8      the newest key of the sequence
/// subjects key    stream 4 | HMAC of the data subject 32 | key link 16
///          value  see SubjectEntry
///          One prefix finds all keys of a person in a stream.
/// ```
/// Integers are big-endian.
struct IndexEntry: Equatable {
    private static let version: UInt8 = 1
    private static let byteCount = 25

    let link: KeyLink
    let created: Milliseconds

    init(link: KeyLink, created: Milliseconds) {
        self.link = link
        self.created = created
    }

    init(_ value: [UInt8]) throws(VaultError) {
        guard value.count == Self.byteCount, value[0] == Self.version,
            let link = KeyLink(bytes: value[1..<17])
        else { throw .store(.corrupt("an index entry of a data key")) }
        self.link = link
        created = Milliseconds(
            truncatingIfNeeded: value[17...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    var value: [UInt8] {
        [Self.version] + link.bytes + withUnsafeBytes(of: created.bigEndian) { Array($0) }
    }

    static func key(_ sequence: SequenceID) -> [UInt8] {
        bytes(of: sequence.stream) + sequence.hash.bytes
    }

    static func subjectKey(_ stream: StreamID, _ subject: Hash256, _ link: KeyLink) -> [UInt8] {
        bytes(of: stream) + subject.bytes + link.bytes
    }

    static func subjectPrefix(_ stream: StreamID, _ subject: Hash256) -> [UInt8] {
        bytes(of: stream) + subject.bytes
    }

    private static func bytes(of stream: StreamID) -> [UInt8] {
        withUnsafeBytes(of: stream.rawValue.bigEndian) { Array($0) }
    }
}

/// One sequence of one stream: the stream and the HMAC of the key-field value.
struct SequenceID: Hashable, Sendable {
    let stream: StreamID
    let hash: Hash256
}
