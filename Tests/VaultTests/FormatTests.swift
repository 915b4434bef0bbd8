import Foundation
import Store
import Testing

@testable import Vault

@Suite struct FormatTests {
    private let keys: BucketKeys
    private let key: [UInt8] = (0..<64).map { UInt8($0) }
    private let link = KeyLink(high: 0x0102_0304_0506_4708, low: 0x890A_0B0C_0D0E_0F10)
    private let record: KeyRecord

    init() throws {
        let memory = try LockedMemory(byteCount: BucketKeys.byteCount)
        Cryptography.fillRandomly(memory)
        keys = BucketKeys(day: UTCDay(number: 20_780), memory: memory)
        record = KeyRecord(
            stream: StreamID(rawValue: 0xA1A2_A3A4),
            epoch: EpochClass(epoch: 0xB1B2_B3B4, retention: .standard), created: 0x0C01,
            expires: 0x0D01, sequence: memory.withBytes { KeyedHash.hash([1], key: $0) })
    }

    private func wrapped() -> [UInt8] {
        key.withUnsafeBytes { record.wrap($0.baseAddress!, link: link, with: keys) }
    }

    private func unwrapped(_ bytes: [UInt8], _ link: KeyLink) throws(VaultError) -> [UInt8] {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        room.initializeMemory(as: UInt8.self, repeating: 0xEE)
        defer { room.deallocate() }
        let isOpened = try KeyRecord(bytes).unwrap(
            bytes, link: link, with: keys, into: room.baseAddress!)
        guard isOpened else { throw .keyGone }
        return Array(room)
    }

    @Test("a record is laid out as it is drawn")
    func layout() throws {
        let bytes = wrapped()
        #expect(bytes.count == KeyRecord.byteCount)
        #expect(bytes.count == 156)
        #expect(Array(bytes[0..<2]) == [2, 0x10])
        #expect(Array(bytes[2..<12]) == [0, 7, 0xA1, 0xA2, 0xA3, 0xA4, 0xB1, 0xB2, 0xB3, 0xB4])
        #expect(Array(bytes[12..<28]) == [0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 0, 0, 0, 0, 13, 1])
        #expect(Array(bytes[28..<60]) == record.sequence.bytes)
        #expect(Array(bytes[60..<64]) == [0, 0, 0, 0])
        #expect(try KeyRecord(bytes) == record)
        #expect(try unwrapped(bytes, link) == key)
        #expect(!contains(bytes, Array(key[..<16])))
    }

    @Test(
        "a record of version 1, which has no generation, is opened by the bucket's first key only")
    func versionOne() throws {
        let header = [1] + wrapped()[1..<60]
        var bytes = header + [UInt8](repeating: 7, count: 12 + 64 + 16)
        bytes.withUnsafeMutableBytes { bytes in
            keys.withKey(0x10, 0) { bucketKey in
                key.withUnsafeBytes { key in
                    (link.bytes + header).withUnsafeBytes { authenticated in
                        Cryptography.seal(
                            key, key: bucketKey, nonce: bytes.baseAddress! + 60,
                            authenticating: authenticated, into: bytes.baseAddress! + 72)
                    }
                }
            }
        }
        #expect(try KeyRecord(bytes) == record)
        #expect(try unwrapped(bytes, link) == key)
        for bit in 0..<(bytes.count * 8) {
            var altered = bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: VaultError.self, "bit \(bit)") { try unwrapped(altered, link) }
        }
        let later = try keys.withSuccessors(for: [0x10], generation: 9).withoutSucceeded()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer { room.deallocate() }
        #expect(
            try !record.unwrap(bytes, link: link, with: later, into: room.baseAddress!))
    }

    @Test("a successor wraps what is new, both open until the succeeded key is left out")
    func successors() throws {
        let old = wrapped()
        let both = try keys.withSuccessors(for: [0x10], generation: 9)
        let new = key.withUnsafeBytes { record.wrap($0.baseAddress!, link: link, with: both) }
        #expect(Array(new[60..<64]) == [0, 0, 0, 9])
        let after = try both.withoutSucceeded()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer { room.deallocate() }
        func opens(_ bytes: [UInt8], with keys: BucketKeys) throws -> Bool {
            try KeyRecord(bytes).unwrap(bytes, link: link, with: keys, into: room.baseAddress!)
        }
        #expect(try opens(old, with: both))
        #expect(try opens(new, with: both))
        #expect(try !opens(new, with: keys))
        #expect(try !opens(old, with: after))
        #expect(try opens(new, with: after))
        // Another bucket is as it was.
        #expect(after.newestGeneration(0x11) == 0)
        #expect(
            after.withKey(0x11, 0) { $0.load(as: UInt64.self) }
                == keys.withKey(0x11, 0) { $0.load(as: UInt64.self) })
        #expect(
            after.withKey(0x10, 9) { $0.load(as: UInt64.self) }
                != keys.withKey(0x10, 0) { $0.load(as: UInt64.self) })
    }

    @Test("two records of one key differ: the nonce is random")
    func nonce() {
        #expect(wrapped()[64...] != wrapped()[64...])
    }

    @Test("a record with a flipped bit, or under another link, gives no key")
    func alteredRecord() throws {
        let bytes = wrapped()
        for bit in 0..<(bytes.count * 8) {
            var altered = bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: VaultError.self, "bit \(bit)") { try unwrapped(altered, link) }
        }
        var other = link
        other.high ^= 1
        #expect(throws: VaultError.self) { try unwrapped(bytes, other) }
        other = link
        other.low ^= 1
        #expect(throws: VaultError.self) { try unwrapped(bytes, other) }
    }

    @Test("a record or an index entry of another length or version is damaged, not trapped on")
    func malformed() throws {
        let bytes = wrapped()
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) { try KeyRecord(Array(bytes[..<count])) }
        }
        #expect(throws: VaultError.self) { try KeyRecord(bytes + [0]) }
        #expect(throws: VaultError.self) { try KeyRecord([3] + bytes.dropFirst()) }
        var noClass = bytes
        noClass[2] = 0xFF
        #expect(throws: VaultError.self) { try KeyRecord(noClass) }
        let entry = IndexEntry(link: link, created: -5)
        #expect(try IndexEntry(entry.value) == entry)
        #expect(entry.value.count == 25)
        for count in 0..<25 {
            #expect(throws: VaultError.self) { try IndexEntry(Array(entry.value[..<count])) }
        }
        #expect(throws: VaultError.self) { try IndexEntry([2] + entry.value.dropFirst()) }
    }

    @Test("HMAC-SHA-256 is that of RFC 4231, and a keyed context can be used again")
    func hmac() {
        let key = [UInt8](repeating: 0x0B, count: 20)
        let hash = key.withUnsafeBytes { KeyedHash(key: $0) }
        for _ in 0..<3 {
            let result = Array("Hi There".utf8).withUnsafeBytes { hash.hash($0) }
            #expect(
                result.bytes.map { String(format: "%02x", $0) }.joined()
                    == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        }
    }

    @Test("index keys of streams and of purposes differ, and are stable")
    func indexKeys() throws {
        let root = try LockedMemory(byteCount: 32)
        Cryptography.fillRandomly(root)
        let pool = HashPool(root: root)
        let value = Bytes("anna")
        var seen: Set<Hash256> = []
        for stream in 0..<300 as Range<UInt32> {
            for purpose in [HashPool.Purpose.sequence, .subject] {
                let id = StreamID(rawValue: stream)
                let hash = pool.hash(value.buffer, stream: id, purpose: purpose)
                seen.insert(hash)
                #expect(
                    HashPool(root: root).hash(value.buffer, stream: id, purpose: purpose) == hash)
            }
        }
        #expect(seen.count == 600)
    }

    @Test("the table by fingerprint agrees with a dictionary")
    func fingerprints() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        var table = FingerprintTable(capacity: 64)
        var model: [UInt64: Int] = [:]
        for step in 0..<50_000 {
            // Few homes, so that chains are long and wrap around.
            let low = UInt64.random(in: 0..<12, using: &generator)
            let fingerprint = (low &+ 120) | UInt64.random(in: 0..<20, using: &generator) << 32
            let place = Int.random(in: 0..<1_000, using: &generator)
            if model[fingerprint] == nil && model.count == 64 || step % 3 == 0 {
                let known = model[fingerprint]
                table.remove(fingerprint, from: known ?? place)
                model[fingerprint] = nil
            } else {
                table.set(fingerprint, to: place)
                model[fingerprint] = place
            }
            if table.place(of: fingerprint) != model[fingerprint] {
                Issue.record("seed \(seed), step \(step)")
                return
            }
        }
        for (fingerprint, place) in model { #expect(table.place(of: fingerprint) == place) }
    }

    @Test("a table that is full ignores what comes, and still ends its searches")
    func fullTable() {
        var table = FingerprintTable(capacity: 2)
        for fingerprint in 1...100 as ClosedRange<UInt64> { table.set(fingerprint, to: 1) }
        #expect(table.place(of: 1) == 1)
        #expect(table.place(of: 100) == nil)
    }

    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}
