import Store

/// A data key as the store keeps it, under its key link: wrapped by a bucket key of its epoch.
///
/// Version 2, integers big-endian:
/// ```
/// offset size
///   0     1  version = 2
///   1     1  bucket: last byte of the key link
///   2     2  retention class, days
///   4     4  stream
///   8     4  epoch
///  12     8  created, ms since 1970
///  20     8  expires, ms since 1970: seals nothing from then on
///  28    32  HMAC of the key-field value: the key of its index entry after the stream
///  60     4  generation of the bucket's key, see BucketKeys
///  64    12  nonce, random
///  76    64  data key, AES-256-GCM under (epoch, class, bucket, generation)
/// 140    16  tag
/// 156
/// ```
/// Authenticated with it: the 16 bytes of the key link, then all before the nonce.
///
/// Version 1 is read too: it has no generation, which is then 0, and all behind it 4 bytes earlier.
struct KeyRecord: Equatable {
    static let byteCount = 156
    private static let version: UInt8 = 2
    private static let generationAt = 60
    private static let generationBytes = 4
    private static let wrappedBytes =
        Cryptography.nonceBytes + DataKey.byteCount + Cryptography.tagBytes

    let stream: StreamID
    let epoch: EpochClass
    let created: Milliseconds
    let expires: Milliseconds
    let sequence: Hash256
    /// Which key of the bucket wraps it.
    let generation: UInt32

    static func bucket(of link: KeyLink) -> UInt8 {
        UInt8(truncatingIfNeeded: link.low)
    }

    /// Wraps the 64 bytes at `key` under the newest key of the bucket, whatever `generation` says.
    func wrap(_ key: UnsafeRawPointer, link: KeyLink, with keys: BucketKeys) -> [UInt8] {
        let bucket = Self.bucket(of: link)
        let generation = keys.newestGeneration(bucket)
        let header = header(bucket, generation)
        var record = header + [UInt8](repeating: 0, count: Self.wrappedBytes)
        let authenticated = link.bytes + header
        record.withUnsafeMutableBytes { record in
            authenticated.withUnsafeBytes { authenticated in
                guard let start = record.baseAddress else { return }
                let nonce = start + header.count
                Cryptography.fillRandomly(
                    UnsafeMutableRawBufferPointer(start: nonce, count: Cryptography.nonceBytes))
                let isSealed: Void? = keys.withKey(bucket, generation) { bucketKey in
                    Cryptography.seal(
                        UnsafeRawBufferPointer(start: key, count: DataKey.byteCount),
                        key: bucketKey, nonce: nonce, authenticating: authenticated,
                        into: nonce + Cryptography.nonceBytes)
                }
                precondition(isSealed != nil, "a bucket without its newest key")
            }
        }
        return record
    }

    private func header(_ bucket: UInt8, _ generation: UInt32) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: Self.generationAt + Self.generationBytes)
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
            writer.write(generation)
        }
        return header
    }

    /// Reads the part that is in clear. Not authenticated yet: `unwrap` is what says so.
    init(_ record: [UInt8]) throws(VaultError) {
        self = try record.withUnsafeBytes { record in
            Result { () throws(VaultError) in try KeyRecord(bytes: record) }
        }.get()
    }

    init(bytes: UnsafeRawBufferPointer) throws(VaultError) {
        guard let version = bytes.first, (1...Self.version).contains(version) else {
            throw Self.damaged("its version \(bytes.first ?? 0) is not known")
        }
        guard bytes.count == Self.headerBytes(version) + Self.wrappedBytes else {
            throw Self.damaged("its length is wrong")
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
        generation = version == 1 ? 0 : reader.read()
    }

    private static func headerBytes(_ version: UInt8) -> Int {
        version == 1 ? generationAt : generationAt + generationBytes
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
        generation = 0
    }

    /// Writes the 64 bytes of the data key to `key`, or zeroes and an error.
    /// - Parameter record: what this was read from.
    /// - Returns: false if the keys hold no key of its generation: it was destroyed.
    func unwrap(
        _ record: [UInt8], link: KeyLink, with keys: BucketKeys, into key: UnsafeMutableRawPointer
    ) throws(VaultError) -> Bool {
        let headerBytes = Self.headerBytes(record[0])
        let authenticated = link.bytes + record[..<headerBytes]
        let bucket = Self.bucket(of: link)
        let isOpened: Bool? = record.withUnsafeBytes { record in
            authenticated.withUnsafeBytes { authenticated in
                guard let start = record.baseAddress, record[1] == bucket else { return false }
                return keys.withKey(bucket, generation) { bucketKey in
                    Cryptography.open(
                        UnsafeRawBufferPointer(
                            rebasing: record[(headerBytes + Cryptography.nonceBytes)...]),
                        key: bucketKey, nonce: start + headerBytes, authenticating: authenticated,
                        into: key)
                }
            }
        }
        guard let isOpened else { return false }
        guard isOpened else { throw Self.damaged("it does not authenticate") }
        return true
    }

    private static func damaged(_ how: String) -> VaultError {
        .store(.corrupt("the record of a data key: \(how)"))
    }
}
