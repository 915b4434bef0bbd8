import Store

/// The keyring as bytes: one file, written whole, sealed under the master key.
///
/// Version 3, integers big-endian:
/// ```
/// offset size
///   0     8  "STRMKEYR"
///   8     2  version = 3
///  10     2  reserved = 0
///  12     8  generation
///  20    16  keyring id, random, the same in all generations
///  36     8  check of the master key: first bytes of HMAC-SHA-256(master key, label | keyring id)
///  44    12  nonce, random in each generation
///  56     4  byte count of the body, n
///  60     n  body, AES-256-GCM under the master key; bytes 0..<60 are authenticated
///  60+n  16  tag; nothing follows
///
/// body
///   0     4  number of the newest epoch, 0: none yet
///   4     4  day of the newest epoch, days since 1970
///   8     8  the last trusted time of the wall clock, ms since 1970
///  16     8  highest number of the erasure ledger that was seen
///  24     4  last destruction of erased keys that is done in here, 0: none
///  28     8  since when destruction is on hold, ms since 1970, 0: it is not
///  36     8  line that the clocks of one boot are measured by: wall clock, ms since 1970
///  44     8    monotonic clock at that moment, ms; 0: no look, but the last trusted time before the
///              boot, and no time source has kept the clock since
///  52     8    first bytes of the name of the boot, 0: there is no line
///  60     4  number of secrets, each:
///              kind 1, number 4, created 8, secret 32
///         4  number of epoch classes, each:
///              epoch 4, day 4, retention days 2, 256 bucket keys of 32 bytes,
///              number of replaced keys 2, each: bucket 1, generation 4
///              number of successors 2, and if there are any:
///                generation 4, then each: bucket 1, key 32
/// ```
/// Versions 1 and 2 are read too. Version 2 has not the 32 bytes before the number of secrets;
/// version 1 has not the 12 before those either, and ends each epoch class with its bucket keys.
///
/// The check tells "another master key" from "damaged" without an oracle for the body.
enum KeyringFile {
    static let headerBytes = 60
    /// Over 400 days in 400 classes would pass it; 50 classes of 400 days do not.
    static let bytesMax = 256 << 20
    private static let magic = Array("STRMKEYR".utf8)
    private static let version: UInt16 = 3
    private static let checkLabel = Array("strm keyring: master key check v1".utf8)
    private static let bodyFixedBytes = 68
    private static let secretBytes = 45
    private static let epochBytes = 10 + BucketKeys.byteCount
    private static let replacedBytes = 5
    private static let successorBytes = 1 + Cryptography.keyBytes

    struct Opened {
        let contents: KeyringContents
        let generation: UInt64
        let id: [UInt8]
    }

    static func encode(
        _ contents: KeyringContents, generation: UInt64, id: [UInt8], masterKey: LockedMemory
    ) throws(VaultError) -> [UInt8] {
        let count =
            bodyFixedBytes + contents.secrets.count * secretBytes
            + contents.epochs.values.reduce(0) { $0 + byteCount($1) }
        guard count + headerBytes <= bytesMax else { throw .keyring("too many epochs") }
        let body = try LockedMemory(byteCount: count)
        write(contents, into: body)
        var file = [UInt8](repeating: 0, count: headerBytes + count + Cryptography.tagBytes)
        file.withUnsafeMutableBytes { file in
            var writer = ByteWriter(file)
            writer.write(magic)
            writer.write(version)
            writer.write(UInt16(0))
            writer.write(generation)
            writer.write(id)
            writer.write(check(masterKey, id))
            let nonce = UnsafeMutableRawBufferPointer(
                rebasing: file[writer.count..<writer.count + Cryptography.nonceBytes])
            Cryptography.fillRandomly(nonce)
            writer.skip(nonce.count)
            writer.write(UInt32(count))
            guard let start = file.baseAddress, let nonceStart = nonce.baseAddress else { return }
            let header = UnsafeRawBufferPointer(start: start, count: headerBytes)
            body.withBytes { body in
                masterKey.withBytes { key in
                    guard let keyStart = key.baseAddress else { return }
                    Cryptography.seal(
                        body, key: keyStart, nonce: nonceStart, authenticating: header,
                        into: start + headerBytes)
                }
            }
        }
        return file
    }

    /// What stands in clear before the body: nothing here is authentic.
    static func label(of file: [UInt8]) throws(VaultError) -> (generation: UInt64, id: [UInt8]) {
        guard file.count >= headerBytes, file.starts(with: magic) else {
            throw .keyring("the file is no keyring, or it is cut off")
        }
        return (file[12..<20].reduce(0) { $0 << 8 | UInt64($1) }, Array(file[20..<36]))
    }

    static func decode(
        _ file: [UInt8], masterKey: LockedMemory
    ) throws(VaultError) -> Opened {
        try file.withUnsafeBytes { bytes in
            Result { () throws(VaultError) in try decode(bytes, masterKey: masterKey) }
        }.get()
    }

    private static func decode(
        _ file: UnsafeRawBufferPointer, masterKey: LockedMemory
    ) throws(VaultError) -> Opened {
        guard file.count >= headerBytes + fixedBytes(version: 1) + Cryptography.tagBytes,
            file[0..<8].elementsEqual(magic)
        else { throw .keyring("the file is no keyring, or it is cut off") }
        var reader = ByteReader(file, from: 8)
        let found: UInt16 = reader.read()
        guard (1...version).contains(found) else {
            throw .keyring("version \(found) is not known; this program knows 1 to \(version)")
        }
        let _: UInt16 = reader.read()
        let generation: UInt64 = reader.read()
        let id = Array(reader.read(16))
        guard Cryptography.areEqual(Array(reader.read(8)), check(masterKey, id)) else {
            throw .masterKey("it is not the master key of this keyring")
        }
        let nonce = reader.read(Cryptography.nonceBytes)
        let count = Int(reader.read() as UInt32)
        guard file.count == headerBytes + count + Cryptography.tagBytes else {
            throw .keyring("the file is damaged: its length is wrong")
        }
        let body = try LockedMemory(byteCount: count)
        let sealed = reader.read(reader.remaining)
        let header = UnsafeRawBufferPointer(rebasing: file[..<headerBytes])
        let isOpened = masterKey.withBytes { key in
            body.withMutableBytes { body in
                guard let keyStart = key.baseAddress, let nonceStart = nonce.baseAddress,
                    let start = body.baseAddress
                else { return false }
                return Cryptography.open(
                    sealed, key: keyStart, nonce: nonceStart, authenticating: header, into: start)
            }
        }
        guard isOpened else { throw .keyring("the file is damaged: it does not authenticate") }
        let contents = try body.withBytes { body throws(VaultError) in
            try read(body, version: found)
        }
        return Opened(contents: contents, generation: generation, id: id)
    }

    /// True if it is the master key of this file, as far as its header tells.
    static func isSealed(_ file: [UInt8], under masterKey: LockedMemory) -> Bool {
        file.count >= headerBytes
            && Cryptography.areEqual(Array(file[36..<44]), check(masterKey, Array(file[20..<36])))
    }

    private static func check(_ masterKey: LockedMemory, _ id: [UInt8]) -> [UInt8] {
        Array(masterKey.withBytes { KeyedHash.hash(checkLabel + id, key: $0) }.bytes[..<8])
    }

    private static func write(_ contents: KeyringContents, into body: LockedMemory) {
        body.withMutableBytes { body in
            var writer = ByteWriter(body)
            write(contents, &writer)
        }
    }

    private static func write(_ contents: KeyringContents, _ writer: inout ByteWriter) {
        writer.write(contents.newestEpoch)
        writer.write(contents.newestDay.number)
        writer.write(contents.clockHighWater)
        writer.write(contents.ledgerNumber)
        writer.write(contents.destroyedThrough)
        writer.write(contents.heldSince)
        writer.write(contents.clockLine?.wall ?? 0)
        writer.write(contents.clockLine?.monotonic ?? 0)
        writer.write(contents.clockLine?.boot ?? 0)
        writer.write(UInt32(contents.secrets.count))
        for (name, secret) in contents.secrets {
            writer.write(name.kind.rawValue)
            writer.write(name.number)
            writer.write(secret.created)
            secret.memory.withBytes { writer.write($0) }
        }
        writer.write(UInt32(contents.epochs.count))
        for (id, keys) in contents.epochs {
            writer.write(id.epoch)
            writer.write(keys.day.number)
            writer.write(id.retention.days)
            keys.memory.withBytes { writer.write($0) }
            write(keys, &writer)
        }
    }

    /// What follows the keys of an epoch class.
    private static func write(_ keys: BucketKeys, _ writer: inout ByteWriter) {
        writer.write(UInt16(keys.generations.count))
        for (bucket, generation) in keys.generations {
            writer.write(bucket)
            writer.write(generation)
        }
        guard let successors = keys.successors else { return writer.write(UInt16(0)) }
        writer.write(UInt16(successors.buckets.count))
        writer.write(successors.generation)
        successors.memory.withBytes { bytes in
            for bucket in successors.buckets {
                let start = Int(bucket) * Cryptography.keyBytes
                writer.write(bucket)
                writer.write(
                    UnsafeRawBufferPointer(
                        rebasing: bytes[start..<start + Cryptography.keyBytes]))
            }
        }
    }

    private static func byteCount(_ keys: BucketKeys) -> Int {
        let successors = keys.successors.map { 4 + $0.buckets.count * successorBytes } ?? 0
        return epochBytes + 4 + keys.generations.count * replacedBytes + successors
    }

    /// The body is authentic, so what does not fit was written by a program with a fault: said, not
    /// trapped on.
    private static func read(
        _ body: UnsafeRawBufferPointer, version: UInt16
    ) throws(VaultError) -> KeyringContents {
        var contents = KeyringContents()
        var reader = ByteReader(body)
        guard reader.remaining >= fixedBytes(version: version) else {
            throw .keyring("its body is cut off")
        }
        contents.newestEpoch = reader.read()
        contents.newestDay = UTCDay(number: reader.read())
        contents.clockHighWater = reader.read()
        if version > 1 {
            contents.ledgerNumber = reader.read()
            contents.destroyedThrough = reader.read()
        }
        if version > 2 {
            contents.heldSince = reader.read()
            let line = ClockLine(
                wall: reader.read(), monotonic: reader.read(), boot: reader.read())
            contents.clockLine = line.boot == 0 ? nil : line
        }
        for _ in 0..<(reader.read() as UInt32) {
            guard reader.remaining >= secretBytes,
                let kind = SecretName.Kind(rawValue: reader.read())
            else { throw .keyring("a secret is of an unknown kind or cut off") }
            let name = SecretName(kind, number: reader.read())
            let created: Milliseconds = reader.read()
            let memory = try LockedMemory(copying: reader.read(Cryptography.keyBytes))
            contents.secrets[name] = KeyringContents.Secret(created: created, memory: memory)
        }
        guard reader.remaining >= 4 else { throw .keyring("the list of epochs is cut off") }
        for _ in 0..<(reader.read() as UInt32) {
            guard reader.remaining >= epochBytes else { throw .keyring("an epoch is cut off") }
            let epoch: UInt32 = reader.read()
            let day = UTCDay(number: reader.read())
            guard let retention = RetentionClass(days: Int(reader.read() as UInt16)) else {
                throw .keyring("an epoch has an unknown retention class")
            }
            let memory = try LockedMemory(copying: reader.read(BucketKeys.byteCount))
            var keys = BucketKeys(day: day, memory: memory)
            if version > 1 { try readGenerations(of: &keys, &reader) }
            contents.epochs[EpochClass(epoch: epoch, retention: retention)] = keys
        }
        guard reader.remaining == 0 else { throw .keyring("something follows the epochs") }
        return contents
    }

    /// Of a body without secrets and epochs.
    private static func fixedBytes(version: UInt16) -> Int {
        switch version {
        case 1: 24
        case 2: 36
        default: bodyFixedBytes
        }
    }

    private static func readGenerations(
        of keys: inout BucketKeys, _ reader: inout ByteReader
    ) throws(VaultError) {
        let cutOff = VaultError.keyring("the generations of an epoch are cut off")
        guard reader.remaining >= 2 else { throw cutOff }
        let replaced = Int(reader.read() as UInt16)
        guard reader.remaining >= replaced * replacedBytes + 2 else { throw cutOff }
        for _ in 0..<replaced {
            let bucket: UInt8 = reader.read()
            keys.generations[bucket] = reader.read()
        }
        let count = Int(reader.read() as UInt16)
        guard count > 0 else { return }
        guard reader.remaining >= 4 + count * successorBytes else { throw cutOff }
        let generation: UInt32 = reader.read()
        let memory = try LockedMemory(byteCount: BucketKeys.byteCount)
        var buckets: Set<UInt8> = []
        for _ in 0..<count {
            let bucket: UInt8 = reader.read()
            let key = reader.read(Cryptography.keyBytes)
            buckets.insert(bucket)
            memory.withMutableBytes { bytes in
                let start = Int(bucket) * Cryptography.keyBytes
                UnsafeMutableRawBufferPointer(
                    rebasing: bytes[start..<start + Cryptography.keyBytes]
                ).copyMemory(from: key)
            }
        }
        keys.successors = BucketKeys.Successors(
            memory: memory, buckets: buckets, generation: generation)
    }
}
