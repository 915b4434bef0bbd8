import Contracts
import Foundation
import Store
import Testing

@testable import Query

/// Opt-in: `STRM_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Measurement`.
/// Prints figures and asserts only what was read: machines differ.
@Suite(
    "Measurement of reads",
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] == "1"), .serialized)
struct ReadMeasurement {
    @Test("events a second of sealed and of opened pages, one reader, from cache")
    func rates() async throws {
        let machine = try Machine()
        let filler = String(repeating: "x", count: 150)
        let events = (0..<100_000).map { number in
            Event(
                session: "session-\((number &* 7_919) % 500)", mark: filler,
                one: "someone\(number)@mail.example.com", two: "a name of \(number)")
        }
        for start in stride(from: 0, to: events.count, by: 2_000) {
            await machine.stores(Array(events[start..<start + 2_000]))
        }
        for _ in 0..<2 {
            try await report("sealed", machine.sealedReader, machine)
            try await report("opened", try machine.reader([1, 2]), machine)
            try await report("dropped", try machine.reader([60]), machine)
        }
    }

    private func report(
        _ name: String, _ reader: Query.Reader, _ machine: Machine
    ) async throws {
        var request = Query.Request(limit: 10_000)
        var count = 0
        var bytes = 0
        var pages = 0
        let start = ContinuousClock.now
        while count < 100_000 {
            let page = try await machine.query.page(reader, request)
            count += page.count + page.dropped
            bytes += page.body.count
            pages += 1
            request.cursor = page.nextCursor
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print(
            "\(name):", Int(Double(count) / seconds), "events a second,",
            "\(bytes / max(count, 1)) bytes an event, \(pages) pages")
    }
}
