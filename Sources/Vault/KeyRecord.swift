import Store

/// A data key as the store keeps it, under its key link: wrapped by a bucket key of its epoch.
///
/// Version 1, integers big-endian:
/// ```
/// offset size
///   0     1  version = 1
///   1     1  bucket: last byte of the key link
///   2     2  retention class, days
///   4     4  stream
///   8     4  epoch
///  12     8  created, ms since 1970
///  20     8  expires, ms since 1970: seals nothing from then on
///  28    32  HMAC of the key-field value: the key of its index entry after the stream
///  60    12  nonce, random
///  72    64  data key, AES-256-GCM under (epoch, class, bucket)
/// 136    16  tag
/// 152
/// ```
/// Authenticated with it: the 16 bytes of the key link, then bytes 0..<60.
struct KeyRecord: Equatable {
    static let byteCount = 152
    private static let version: UInt8 = 1
    private static let headerBytes = 60
    private static let wrappedAt = 72

    let stream: StreamID
    let epoch: EpochClass
    let created: Milliseconds
    let expires: Milliseconds
    let sequence: Hash256

    static func bucket(of link: KeyLink) -> UInt8 {
        UInt8(truncatingIfNeeded: link.low)
    }

    /// Wraps the 64 bytes at `key`.
    func wrap(_ key: UnsafeRawPointer, link: KeyLink, with keys: BucketKeys) -> [UInt8] {
        let bucket = Self.bucket(of: link)
        let header = header(bucket)
        var record = header + [UInt8](repeating: 0, count: Self.byteCount - Self.headerBytes)
        let authenticated = link.bytes + header
        record.withUnsafeMutableBytes { record in
            authenticated.withUnsafeBytes { authenticated in
                guard let start = record.baseAddress else { return }
                Cryptography.fillRandomly(
                    UnsafeMutableRawBufferPointer(
                        start: start + Self.headerBytes, count: Cryptography.nonceBytes))
                keys.withKey(bucket) { bucketKey in
                    Cryptography.seal(
                        UnsafeRawBufferPointer(start: key, count: DataKey.byteCount),
                        key: bucketKey, nonce: start + Self.headerBytes,
                        authenticating: authenticated, into: start + Self.wrappedAt)
                }
            }
        }
        return record
    }

    private func header(_ bucket: UInt8) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: Self.headerBytes)
        header.withUnsafeMutableBytes { room in
            var writer = ByteWriter(room)
            writer.write(Self.version)
            writer.write(bucket)
            writer.write(epoch.retention.days)
            writer.write(stream.rawValue)
            writer.write(epoch.epoch)
            writer.write(created)
            writer.write(expires)
            writer.write(sequence.bytes)
        }
        return header
    }

    /// Reads the part that is in clear. Not authenticated yet: `unwrap` is what says so.
    init(_ record: [UInt8]) throws(VaultError) {
        self = try record.withUnsafeBytes { record in
            Result { () throws(VaultError) in try KeyRecord(bytes: record) }
        }.get()
    }

    private init(bytes: UnsafeRawBufferPointer) throws(VaultError) {
        guard bytes.count == Self.byteCount else { throw Self.damaged("its length is wrong") }
        guard bytes[0] == Self.version else {
            throw Self.damaged("its version \(bytes[0]) is not known")
        }
        var reader = ByteReader(bytes, from: 2)
        guard let retention = RetentionClass(days: Int(reader.read() as UInt16)) else {
            throw Self.damaged("its retention class is not known")
        }
        stream = StreamID(rawValue: reader.read())
        epoch = EpochClass(epoch: reader.read(), retention: retention)
        created = reader.read()
        expires = reader.read()
        guard let hash = Hash256(reader.read(Hash256.byteCount)) else {
            throw Self.damaged("its length is wrong")
        }
        sequence = hash
    }

    init(
        stream: StreamID, epoch: EpochClass, created: Milliseconds, expires: Milliseconds,
        sequence: Hash256
    ) {
        self.stream = stream
        self.epoch = epoch
        self.created = created
        self.expires = expires
        self.sequence = sequence
    }

    /// Writes the 64 bytes of the data key to `key`, or zeroes and an error.
    static func unwrap(
        _ record: [UInt8], link: KeyLink, with keys: BucketKeys, into key: UnsafeMutableRawPointer
    ) throws(VaultError) {
        let authenticated = link.bytes + record[..<headerBytes]
        let isOpened = record.withUnsafeBytes { record in
            authenticated.withUnsafeBytes { authenticated in
                guard let start = record.baseAddress, record[1] == bucket(of: link) else {
                    return false
                }
                return keys.withKey(bucket(of: link)) { bucketKey in
                    Cryptography.open(
                        UnsafeRawBufferPointer(rebasing: record[wrappedAt...]), key: bucketKey,
                        nonce: start + headerBytes, authenticating: authenticated, into: key)
                }
            }
        }
        guard isOpened else { throw damaged("it does not authenticate") }
    }

    private static func damaged(_ how: String) -> VaultError {
        .store(.corrupt("the record of a data key: \(how)"))
    }
}
