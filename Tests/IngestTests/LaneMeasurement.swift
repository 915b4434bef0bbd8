import Contracts
import Foundation
import Glibc
import Store
import Testing

@testable import Ingest

/// Opt-in: `STRM_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Measurement`.
/// Prints figures and asserts none: machines differ.
@Suite("Measurement of the lane", .enabled(if: Measurement.isWanted), .serialized)
struct LaneMeasurement {
    @Test("CPU of the lane for a clickstream event whose key is in memory")
    func cachedKeys() async throws {
        let machine = try Machine(
            cachedKeysMax: 262_144, contract: try Measurement.clickstream())
        let sessions = 1_000
        let bodies = (0..<sessions).map { Array(Measurement.event(session: $0).utf8) }
        for body in bodies { send(body, machine) }
        _ = machine.lane.flush()
        await machine.sink.waits(for: sessions)
        var count = sessions
        // Handed over at the end of a round, the commit thread rests meanwhile; handed over every
        // 64 events, it works beside the lane and takes cache and memory bandwidth from it.
        for (name, tick) in [("alone", 2_048), ("beside commits", 64)] {
            var nanoseconds = 0
            for round in 0..<200 {
                let start = Measurement.threadNanoseconds()
                for number in 1...2_048 {
                    send(bodies[(round &* 2_048 &+ number) % sessions], machine)
                    if number % tick == 0 { _ = machine.lane.flush() }
                }
                nanoseconds += Measurement.threadNanoseconds() - start
                count += 2_048
                await machine.sink.waits(for: count)
                for chunk in machine.sink.takeChunks() { machine.lane.recycle(chunk) }
            }
            let each = Double(nanoseconds) / (200 * 2_048) / 1_000
            print("lane \(name): \(bodies[0].count) bytes,", String(format: "%.2f µs", each))
        }
        print("diverted: \(machine.ingest.statistics.divertedEvents)")
    }

    @Test("CPU of decoding alone")
    func decoding() throws {
        let registry = ContractRegistry()
        registry.replaceAll([
            (try Contract(document: try Measurement.clickstream(), number: 1), .active)
        ])
        let decoder = EventDecoder(registry: registry, limits: EventLimits())
        let body = Array(Measurement.event(session: 1).utf8)
        let start = Measurement.threadNanoseconds()
        for _ in 0..<300_000 {
            try body.withUnsafeBytes {
                try decoder.decode($0, format: .json, schemaRef: nil)
            }
        }
        let spent = Double(Measurement.threadNanoseconds() - start) / 300_000 / 1_000
        print("decode:", String(format: "%.2f µs an event", spent))
    }

    @Test("events a second of the slow lane: all sessions are new")
    func newSessions() async throws {
        let machine = try Machine(
            cachedKeysMax: 262_144, contract: try Measurement.clickstream())
        let start = ContinuousClock.now
        for number in 0..<50_000 {
            send(Array(Measurement.event(session: number).utf8), machine)
            if number % 64 == 63 { _ = machine.lane.flush() }
            if number % 8_192 == 0 {
                _ = machine.lane.flush()
                await machine.sink.waits(for: number)
            }
        }
        _ = machine.lane.flush()
        await machine.sink.waits(for: 50_000)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print("new sessions:", Int(50_000 / seconds), "events a second")
    }

    private func send(_ body: [UInt8], _ machine: Machine) {
        _ = body.withUnsafeBytes {
            machine.lane.receive(
                $0, format: .json, schemaRef: nil, stream: machine.target,
                token: CommitToken(first: 1, second: 0), now: machine.clock.now)
        }
    }
}

enum Measurement {
    static let isWanted = ProcessInfo.processInfo.environment["STRM_MEASURE"] == "1"

    static func threadNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    static func clickstream() throws -> ContractDocument {
        let file = URL(filePath: #filePath).appending(
            path: "../../../Examples/contracts/clickstream.json")
        return try ContractDocument(json: Array(Data(contentsOf: file.standardized)))
    }

    static func event(session: Int) -> String {
        """
        {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0","consentLevels":[0,1,2,4]},\
        "producerSessionId":"session-\(100_000 + session)",\
        "url":"https://shop.example.com/products/12345/details?ref=home","eventType":"view",\
        "referrer":"https://www.example.org/","userAgent":"Mozilla/5.0 (X11; Linux x86_64)",\
        "conversion":0,"customer":{"email":"customer\(100_000 + session)@mail.example.com",\
        "country":"NL"},"abTests":["blue-button","fast-checkout"]}
        """
    }
}
