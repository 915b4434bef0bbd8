import CPlatform
import Contracts
import Foundation
import Testing

@testable import Store

@Suite("A format")
struct FormatTests {
    @Test("of CRC-32C is that of RFC 3720, by instruction and by table")
    func crc32c() {
        // RFC 3720, appendix B.4.
        let vectors: [([UInt8], UInt32)] = [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ((0..<32).map { UInt8($0) }, 0x46DD_794E),
            ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283), ([], 0),
        ]
        for (bytes, expected) in vectors {
            #expect(strm_crc32c(0, bytes, bytes.count) == expected)
            #expect(strm_crc32c_table(0, bytes, bytes.count) == expected)
        }
        var generator = SeededGenerator(seed: 1)
        let bytes = (0..<1_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        for count in [1, 7, 8, 9, 15, 63, 500, 999] {
            let whole = strm_crc32c(0, bytes, count)
            #expect(whole == strm_crc32c_table(0, bytes, count))
            let half = strm_crc32c(0, bytes, count / 2)
            let rest = Array(bytes[(count / 2)..<count])
            #expect(strm_crc32c(half, rest, rest.count) == whole)
        }
    }

    @Test("RocksDB takes our CRC-32C in the place of its own, and both give the same")
    func engineChecksum() throws {
        typealias Extend = @convention(c) (UInt32, UnsafePointer<UInt8>, Int) -> UInt32
        let name = "_ZN7rocksdb6crc32c6ExtendEjPKcm"
        let library = try #require(dlopen("librocksdb.so.7.8", RTLD_NOW | RTLD_NOLOAD))
        let own = unsafeBitCast(try #require(dlsym(library, name)), to: Extend.self)
        let chosen = try #require(dlsym(nil, name))
        #expect(chosen != dlsym(library, name), "the dynamic linker finds ours first")
        var bytes = [UInt8](repeating: 0, count: 70_000)
        for index in bytes.indices { bytes[index] = UInt8.random(in: .min ... .max) }
        for count in Array(0...300) + [4_096, 32_768, 70_000] {
            let start = UInt32.random(in: .min ... .max)
            let ours = unsafeBitCast(chosen, to: Extend.self)(start, bytes, count)
            #expect(ours == own(start, bytes, count))
            #expect(ours == strm_crc32c(start, bytes, count))
        }
    }

    @Test("of a key link is a UUID of version 4")
    func keyLinks() throws {
        let link = try #require(KeyLink("01234567-89ab-4def-8123-456789ABCDEF"))
        #expect(link.high == 0x0123_4567_89AB_4DEF && link.low == 0x8123_4567_89AB_CDEF)
        #expect(link.description == "01234567-89ab-4def-8123-456789abcdef")
        #expect(KeyLink(bytes: link.bytes) == link)
        for _ in 0..<100 {
            let random = KeyLink.random()
            let text = random.description
            #expect(Array(text)[14] == "4" && "89ab".contains(Array(text)[19]))
            #expect(KeyLink(text) == random)
            #expect(Array(text.utf8).withUnsafeBytes { KeyLink(uuidText: $0) } == random)
            #expect(UUID(uuidString: text) != nil)
        }
        for wrong in [
            "", "01234567-89ab-4def-8123-456789abcde", "01234567-89ab-4def-8123-456789abcdef0",
            "0123456789ab-4def-8123-456789abcdef--", "g1234567-89ab-4def-8123-456789abcdef",
            "01234567_89ab-4def-8123-456789abcdef", "０1234567-89ab-4def-8123-456789abcd",
        ] { #expect(KeyLink(wrong) == nil, "\(wrong)") }
        #expect(KeyLink(bytes: [1, 2]) == nil)
    }

    @Test("of an event key sorts as its numbers do")
    func keyOrder() {
        let numbers: [(UInt32, UInt16, UInt64)] = [
            (0, 0, 0), (0, 0, 255), (0, 0, 256), (0, 1, 0), (1, 0, 0), (256, 0, 0),
            (.max, .max, .max),
        ]
        let keys = numbers.map { stream, partition, offset in
            StoreKeys.event(
                PartitionID(stream: StreamID(rawValue: stream), partition: partition), offset)
        }
        for (left, right) in zip(keys, keys.dropFirst()) {
            #expect(left.lexicographicallyPrecedes(right))
        }
        for (key, (stream, partition, offset)) in zip(keys, numbers) {
            #expect(key.count == StoreKeys.eventCount)
            let id = PartitionID(stream: StreamID(rawValue: stream), partition: partition)
            key.withUnsafeBytes { #expect(StoreKeys.offset(in: $0, of: id) == offset) }
            let other = PartitionID(stream: StreamID(rawValue: stream ^ 1), partition: partition)
            key.withUnsafeBytes { #expect(StoreKeys.offset(in: $0, of: other) == nil) }
        }
        #expect(StoreKeys.end(ofPrefix: [1, 255, 255]) == [2])
        #expect(StoreKeys.end(ofPrefix: [255]) == [])
    }

    @Test("of a day is its date, over four hundred years")
    func days() throws {
        #expect(UTCDay(at: 0).description == "1970-01-01")
        #expect(UTCDay(at: -5).number == 0)
        #expect(UTCDay(at: 1_763_900_000_000).description == "2025-11-23")
        #expect(UTCDay("2024-02-29")?.start == 1_709_164_800_000)
        for wrong in ["2023-02-29", "2024-13-01", "2024-1-01", "24-01-01", "2024-01-01x", ""] {
            #expect(UTCDay(wrong) == nil, "\(wrong)")
        }
        for number in stride(from: UInt32(0), to: 146_097, by: 13) {
            let day = UTCDay(number: number)
            #expect(UTCDay(day.description) == day)
            #expect(UTCDay(at: day.start) == day && UTCDay(at: day.end - 1) == day)
        }
        let week = RetentionClass.standard
        #expect(DayFamily.name(week, UTCDay(at: 1_763_900_000_000)) == "events-007-2025-11-23")
        #expect(RetentionClass(days: 0) == nil && RetentionClass(days: 401) == nil)
    }

    @Test("of a record is checked byte by byte: no flipped bit passes")
    func recordFlips() {
        let chunk = EventChunk(sink: WaitingSink())
        chunk.append(5, to: StoreFixture.partition, at: StoreFixture.start, padding: 10)
        let record = chunk.record(of: chunk.entries[0])
        let key = StoreKeys.event(StoreFixture.partition, 77)
        key.withUnsafeBytes { key in
            EventRecord.seal(key: key, record: record)
            #expect(EventRecord.fault(key: key, record: UnsafeRawBufferPointer(record)) == nil)
            for bit in 0..<record.count * 8 {
                record[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(
                    EventRecord.fault(key: key, record: UnsafeRawBufferPointer(record)) != nil)
                record[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            for count in 0..<record.count {
                let cut = UnsafeRawBufferPointer(rebasing: record[..<count])
                #expect(EventRecord.fault(key: key, record: cut) != nil)
            }
        }
        StoreKeys.event(StoreFixture.partition, 78).withUnsafeBytes {
            #expect(
                EventRecord.fault(key: $0, record: UnsafeRawBufferPointer(record)) != nil,
                "under another key")
        }
    }

    @Test("of a watermark slot is checked bit by bit")
    func watermarkFlips() {
        var watermark = Watermark()
        watermark.generation = 4
        watermark.sequence = 99
        watermark.time = 5
        watermark.audit = [1, 2, 3]
        for stream in 0..<20 {
            watermark.heads[PartitionID(stream: StreamID(rawValue: UInt32(stream)))] = 7
        }
        var bytes = watermark.bytes
        #expect(bytes.count == 4096)
        #expect(bytes.withUnsafeBytes { Watermark($0) } == watermark)
        for bit in 0..<(40 + 3 + 20 * 14 + 4) * 8 {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(bytes.withUnsafeBytes { Watermark($0) } == nil)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        for stream in 0..<Watermark.partitionsMax {
            watermark.heads[PartitionID(stream: StreamID(rawValue: UInt32(stream)))] = .max
        }
        #expect(watermark.bytes.count <= Watermark.slotStride)
        #expect(watermark.bytes.withUnsafeBytes { Watermark($0) } == watermark)
    }

    @Test("of the small records refuses what it does not know")
    func smallRecords() throws {
        let record = PartitionRecord(
            retention: .standard, nextOffset: 9, lastTimestamp: 8, isDropped: true)
        var bytes = record.bytes
        #expect(try bytes.withUnsafeBytes { try PartitionRecord($0) } == record)
        for index in bytes.indices {
            bytes[index] ^= 0x10
            #expect(throws: StoreError.self) {
                try bytes.withUnsafeBytes { try PartitionRecord($0) }
            }
            bytes[index] ^= 0x10
        }
        let key = StoreKeys.document(DocumentKey(kind: "k", name: "n"))
        var value = DocumentRecord.bytes(key: key, revision: 3, body: [1, 2])
        func read() throws -> Document {
            try key.withUnsafeBytes { key in
                try value.withUnsafeBytes { try DocumentRecord.document(key: key, value: $0) }
            }
        }
        #expect(try read().body == [1, 2])
        for index in value.indices {
            value[index] ^= 0x10
            #expect(throws: StoreError.self) { try read() }
            value[index] ^= 0x10
        }
    }

    @Test("of a chunk survives growing, cancelling and recycling")
    func chunks() {
        let chunk = EventChunk(sink: WaitingSink())
        for round in 0..<3 {
            for number in 0..<200 {
                if number % 10 == 0 {
                    _ = chunk.begin(
                        partition: StoreFixture.partition, retention: .standard,
                        keyLink: KeyLink(high: 0, low: 0), contract: 0,
                        consent: ConsentLevels(bits: 0), timestamp: 0, spanCount: 3,
                        jsonCapacity: 5_000)
                    chunk.cancel()
                }
                chunk.append(
                    number, to: StoreFixture.partition, at: StoreFixture.start,
                    padding: number * 10)
            }
            #expect(chunk.count == 200)
            var bytes = 0
            for index in 0..<200 {
                #expect(chunk.token(at: index).first == UInt64(index))
                let record = UnsafeRawBufferPointer(chunk.record(of: chunk.entries[index]))
                let view = EventRecordView(offset: Offset(rawValue: 0), record: record)
                #expect(SeenEvent(view).number == index, "round \(round)")
                #expect(view.span(at: 0).length == UInt32(index * 10))
                bytes += record.count
            }
            #expect(bytes == chunk.byteCount)
            chunk.reset()
            #expect(chunk.isEmpty && chunk.byteCount == 0)
        }
    }

    @Test("of errors tells full disks, damage and locks apart")
    func engineErrors() {
        let table: [(String, StoreError)] = [
            ("IO error: No space left on device: While appending to file: /x: z", .diskFull),
            ("IO error: While appending to file: /x/000.log: File too large", .diskFull),
            ("IO error: While lock file: /x/LOCK: Resource temporarily unavailable", .locked),
            (
                "Corruption: block checksum mismatch",
                .corrupt("Corruption: block checksum mismatch")
            ),
            ("Invalid argument: x", .io("Invalid argument: x")),
        ]
        for (text, error) in table { #expect(StoreError(engineText: text) == error) }
        #expect(StoreError.overloaded(retryAfterSeconds: 1).isRetriable)
        #expect(!StoreError.poisoned.isRetriable)
    }

    @Test("of the statistics puts values in the right buckets")
    func histograms() {
        var times = DurationHistogram()
        for nanoseconds: UInt64 in [0, 1, 1_000, 1_001, 2_000, 2_001, .max / 2] {
            times.record(nanoseconds: nanoseconds)
        }
        #expect(times.counts[0] == 3 && times.counts[1] == 2 && times.counts[2] == 1)
        #expect(times.counts[25] == 1 && times.count == 7)
        var counts = CountHistogram()
        for value in [0, 1, 2, 3, 4, 1 << 30] { counts.record(value) }
        #expect(counts.counts[0] == 2 && counts.counts[1] == 1 && counts.counts[2] == 2)
        #expect(counts.counts[17] == 1)
    }
}
