import Contracts
import Foundation
import Testing

@testable import Store

/// Figures, not a check: `STRM_MEASURE=1 swift test -c release --filter CommitMeasurement`.
@Suite("Measured", .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] != nil))
struct CommitMeasurement {
    @Test("CPU of the commit thread per event, and events read a second")
    func commitCost() throws {
        for perChunk in [1, 16, 64, 256, 1_024] {
            let fixture = try StoreFixture()
            let store = try fixture.open()
            let events = perChunk == 1 ? 5_000 : 400_000
            let sink = WaitingSink()
            let chunk = EventChunk(sink: sink)
            let before = commitThreadSeconds()
            let started = MonotonicClock.nanoseconds()
            for round in 0..<events / perChunk {
                chunk.reset()
                for number in 0..<perChunk {
                    chunk.append(
                        number, to: StoreFixture.partition, at: fixture.clock.read(), padding: 300)
                }
                try store.submit(chunk)
                sink.wait(calls: round + 1)
            }
            let seconds = Double(MonotonicClock.nanoseconds() - started) / 1e9
            let cpu = commitThreadSeconds() - before
            print(
                "batch \(perChunk): commit thread \(cpu * 1e6 / Double(events)) µs an event,",
                "\(Int(Double(events) / seconds)) events/s with one chunk in flight")
            guard perChunk == 1_024 else { continue }
            for round in 0..<2 {
                let start = MonotonicClock.nanoseconds()
                var count = 0
                var bytes = 0
                let end = try store.read(
                    StoreFixture.partition, from: Offset(rawValue: 0), limit: .max, notBefore: 0
                ) {
                    count += 1
                    bytes += $0.json.count
                    return true
                }
                let took = Double(MonotonicClock.nanoseconds() - start) / 1e9
                print("read \(round): \(Int(Double(count) / took)) events/s,", end.visited, bytes)
            }
        }
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
