import Contracts
import Testing

@testable import Ingest

@Suite("Counts of refused events")
struct RejectionCountsTests {
    private let counts = RejectionCounts()

    private func refuse(
        _ place: String = "/a", stream: String = "demo", client: String = "c", now: Int64 = 1
    ) {
        counts.count(
            Refusal(
                kind: .schemaViolation, pointer: "/CANARY", place: place, rule: .type,
                expected: "a string"), contract: nil, stream: stream, client: client, now: now)
    }

    @Test("what is alike is one row with its count, its first and its last time")
    func rows() {
        refuse(now: 5)
        refuse("/b", now: 6)
        refuse(now: 9)
        let rows = counts.rows
        #expect(rows.map(\.key.place) == ["/a", "/b"])
        #expect(rows.first?.row == .init(count: 2, firstAt: 5, lastAt: 9))
        #expect(!"\(rows)".contains("CANARY"))
    }

    @Test("a stream has a bounded number of rows; the rest is counted in its row `other`")
    func bounded() {
        for index in 0..<RejectionCounts.rowsPerStreamMax + 5 { refuse("/\(index)") }
        refuse("/0")
        refuse(stream: "second")
        #expect(counts.rows.count == RejectionCounts.rowsPerStreamMax + 2)
        #expect(counts.rows.first { $0.key.rule == "other" }?.row.count == 5)
        #expect(counts.rows.first { $0.key.place == "/0" }?.row.count == 2)
        #expect(counts.rows.contains { $0.key.stream == "second" && $0.key.rule == "type" })
    }

    @Test("all streams together have a bounded number of rows")
    func boundedInAll() {
        let streams = RejectionCounts.rowsMax / RejectionCounts.rowsPerStreamMax
        for stream in 0..<streams {
            for index in 0..<RejectionCounts.rowsPerStreamMax {
                refuse("/\(index)", stream: "s\(stream)")
            }
        }
        refuse(stream: "late")
        #expect(counts.rows.count == RejectionCounts.rowsMax + 1)
        #expect(counts.rows.first { $0.key.stream == "late" }?.key.rule == "other")
    }

    @Test("a deleted stream leaves no rows and gives its room back")
    func forgotten() {
        for index in 0..<RejectionCounts.rowsPerStreamMax + 1 { refuse("/\(index)") }
        refuse(stream: "second")
        counts.forget(stream: "demo")
        #expect(counts.rows.map(\.key.stream) == ["second"])
        refuse("/new")
        #expect(counts.rows.contains { $0.key.place == "/new" })
    }
}
