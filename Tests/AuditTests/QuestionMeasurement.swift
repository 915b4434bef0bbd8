import Foundation
import Store
import Testing

@testable import Audit

/// Opt-in: `STRM_MEASURE=1`, `STRM_MEASURE_ENTRIES` (1,000,000). Prints figures and asserts only
/// what was found: machines differ.
@Suite(
    "Measurement of questions",
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] == "1"), .serialized)
struct QuestionMeasurement {
    @Test("time and memory of questions over a long log")
    func longLog() async throws {
        let wanted =
            ProcessInfo.processInfo.environment["STRM_MEASURE_ENTRIES"].flatMap { Int($0) }
            ?? 1_000_000
        let fixture = try AuditFixture()
        let links = (0..<20).map { KeyLink(high: 1, low: UInt64($0)) }
        var entry = AuditEntry(
            act: .release, client: "c", role: "reader", stream: "s", derivedStream: "d",
            partition: 0, fields: ["a"], purposes: [1])
        entry.values = [20]
        entry.events = 20
        entry.keyLinks = links.count
        entry.disclosures = Disclosures(
            rows: links.map { link in
                var row = Disclosures.Row(link: link)
                row.purposes = 1
                row.opened = 1
                row.events = 1
                return row
            })
        let batch = Array(repeating: entry, count: 1_000)
        for start in stride(from: 0, to: wanted, by: batch.count) {
            var batch = batch
            for index in batch.indices {
                let offset = Offset(rawValue: UInt64(start + index) * 20)
                batch[index].offsets = (offset, Offset(rawValue: offset.rawValue + 19))
            }
            try await fixture.records(batch)
        }
        for (name, asked) in [("nobody", []), ("one", [links[3]]), ("all", links)] {
            let before = Self.residentBytes
            let start = ContinuousClock.now
            let answer = try await fixture.log.recipients(of: Set(asked))
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            #expect(answer.basis.lookedAt == UInt64(wanted))
            #expect(answer.recipients.first?.events ?? 0 == UInt64(wanted * asked.count))
            print(
                "recipients of \(name): \(seconds) s,",
                Int(Double(wanted) / seconds), "entries a second,",
                (Self.residentBytes - before) >> 10, "KiB more resident")
        }
        let before = Self.residentBytes
        let start = ContinuousClock.now
        let uses = try await fixture.log.uses(
            matching: AuditFilter(), ofField: "a", countsSequences: true)
        #expect(uses.uses.first?.values["a"] == UInt64(wanted * 20))
        print(
            "uses: \((ContinuousClock.now - start) / .seconds(1)) s,",
            (Self.residentBytes - before) >> 10, "KiB more resident")
    }

    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4_096
    }
}
