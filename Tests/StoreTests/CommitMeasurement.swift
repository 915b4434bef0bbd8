import Contracts
import Foundation
import Testing

@testable import Store

/// Figures, not a check: `STRM_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter
/// CommitMeasurement`. Each beside the engine's own for the same records in the same run.
@Suite(
    "Measured", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] != nil))
struct CommitMeasurement {
    @Test("CPU of the commit thread per event")
    func commitCost() throws {
        for isSynced in [true, false] {
            for perChunk in [1, 16, 64, 256, 1_024] {
                let events = min(isSynced ? perChunk * 500 : perChunk * 5_000, 400_000)
                let fixture = try StoreFixture()
                try fixture.open { $0.isSyncEnabled = isSynced }
                let before = commitThreadSeconds()
                let started = MonotonicClock.nanoseconds()
                try commit(events, perChunk, fixture)
                let seconds = Double(MonotonicClock.nanoseconds() - started) / 1e9
                let ours = (commitThreadSeconds() - before) * 1e6 / Double(events)
                let engine = try engineCost(events, perChunk, isSynced)
                print(
                    "batch \(perChunk), synced \(isSynced): commit thread \(ours) µs an event,",
                    "engine alone \(engine), \(Int(Double(events) / seconds)) events/s")
            }
        }
    }

    @Test("events read a second")
    func readRate() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try commit(400_000, 1_000, fixture)
        for round in 0..<3 {
            let start = MonotonicClock.nanoseconds()
            var bytes = 0
            let end = try store.read(
                StoreFixture.partition, from: Offset(rawValue: 0), limit: .max, notBefore: 0
            ) {
                bytes += $0.json.count
                return true
            }
            let took = Double(MonotonicClock.nanoseconds() - start) / 1e9
            print("read \(round): \(Int(Double(end.visited) / took)) events/s, \(bytes) bytes")
            if round == 0 {
                for day in store.shared.table.allFamilies { try day.family.flush() }
            }
        }
    }

    private func commit(_ events: Int, _ perChunk: Int, _ fixture: StoreFixture) throws {
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        for round in 0..<events / perChunk {
            chunk.reset()
            for number in 0..<perChunk {
                chunk.append(
                    number, to: StoreFixture.partition, at: fixture.clock.read(), padding: 300)
            }
            try fixture.store.submit(chunk)
            sink.wait(calls: round + 1)
        }
    }

    /// CPU in µs of putting and writing the same records, with nothing around it.
    private func engineCost(_ events: Int, _ perChunk: Int, _ isSynced: Bool) throws -> Double {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let chunk = EventChunk(sink: WaitingSink())
        chunk.append(1, to: StoreFixture.partition, at: fixture.clock.read(), padding: 300)
        let record = UnsafeRawBufferPointer(chunk.record(of: chunk.entries[0]))
        return try store.withEngine { engine throws(StoreError) in
            let family = try engine.database.createFamily(DayFamily.name(.standard, UTCDay(at: 0)))
            let batch = try WriteBatch()
            let key = UnsafeMutableRawBufferPointer.allocate(byteCount: 14, alignment: 8)
            defer { key.deallocate() }
            let before = threadSeconds()
            var offset: UInt64 = 0
            for _ in 0..<events / perChunk {
                batch.clear()
                for _ in 0..<perChunk {
                    if let base = key.baseAddress {
                        StoreKeys.writeEvent(StoreFixture.partition, offset, to: base)
                    }
                    batch.put(family.handle, key: UnsafeRawBufferPointer(key), value: record)
                    offset += 1
                }
                try engine.database.write(batch, isSynced: isSynced)
            }
            return (threadSeconds() - before) * 1e6 / Double(events)
        }
    }

    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// CPU that the thread `strm-commit` has used.
    private func commitThreadSeconds() -> Double {
        for task in Directories.names("/proc/self/task") {
            let path = "/proc/self/task/" + task
            guard let name = try? String(contentsOfFile: path + "/comm", encoding: .utf8),
                name.hasPrefix("strm-commit"),
                let text = try? String(contentsOfFile: path + "/schedstat", encoding: .utf8),
                let nanoseconds = text.split(separator: " ").first.flatMap({ Double($0) })
            else { continue }
            return nanoseconds / 1e9
        }
        return 0
    }
}
