import AuditProof
import Testing

@Suite("The beginning of an entry")
struct LeafHeaderTests {
    // From Python: datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds").
    static let times: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_795_428_000_123, "2026-11-23T10:00:00.123Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ]

    @Test("times are written as RFC 3339 in UTC, and read back", arguments: times)
    func knownTimes(milliseconds: Int64, text: String) {
        #expect(LeafHeader.timeText(milliseconds) == text)
        #expect(LeafHeader.milliseconds(text.utf8) == milliseconds)
    }

    @Test("random times read back, and their texts have the order of the times")
    func randomTimes() {
        var generator = SeededGenerator(seed: 20_261_123)
        var previous: (Int64, String) = (0, LeafHeader.timeText(0))
        for _ in 0..<2000 {
            let time = Int64.random(in: 0...LeafHeader.millisecondsMax, using: &generator)
            let text = LeafHeader.timeText(time)
            #expect(LeafHeader.milliseconds(text.utf8) == time)
            #expect((time < previous.0) == (text < previous.1))
            previous = (time, text)
        }
    }

    @Test("times outside the years that can be written are brought to their edge")
    func edges() {
        #expect(LeafHeader.timeText(-1) == "1970-01-01T00:00:00.000Z")
        #expect(LeafHeader.timeText(.max) == "9999-12-31T23:59:59.999Z")
    }

    static let badTimes = [
        "2026-11-23T10:00:00Z", "2026-11-23t10:00:00.123Z", "2026-11-23T10:00:00.123z",
        "2026-02-29T10:00:00.123Z", "2026-13-01T10:00:00.123Z", "2026-00-01T10:00:00.123Z",
        "2026-11-31T10:00:00.123Z", "2026-11-23T24:00:00.123Z", "2026-11-23T10:60:00.123Z",
        "2026-11-23T10:00:60.123Z", "1969-12-31T23:59:59.999Z", "2026-11-23 10:00:00.123Z",
        "2026-11-23T10:00:00.12aZ", "2026-11-23T10:00:00.1234", "+026-11-23T10:00:00.123Z",
    ]

    @Test("what is not such a time is refused", arguments: badTimes)
    func refusedTimes(text: String) {
        #expect(LeafHeader.milliseconds(text.utf8) == nil)
    }

    @Test("a header says number, time and its length")
    func header() throws {
        let line = #"{"n":17,"at":"2026-11-23T10:00:00.123Z","act":"release"}"#
        let header = try #require(LeafHeader(line.utf8))
        #expect(header.number == 17)
        #expect(header.milliseconds == 1_795_428_000_123)
        #expect(header.byteCount == #"{"n":17,"at":"2026-11-23T10:00:00.123Z""#.utf8.count)
        var written: [UInt8] = []
        LeafHeader.append(number: 17, milliseconds: header.milliseconds, to: &written)
        #expect(Array(line.utf8.prefix(header.byteCount)) == written)
    }

    static let badLines = [
        "", "{", #"{"n":17}"#, #"{"n":017,"at":"2026-11-23T10:00:00.123Z"}"#,
        #"{"n":-1,"at":"2026-11-23T10:00:00.123Z"}"#, #"{ "n":1,"at":"2026-11-23T10:00:00.123Z"}"#,
        #"{"at":"2026-11-23T10:00:00.123Z","n":1}"#, #"{"n":1,"at":"2026-11-23T10:00:00.123Z"x"#,
        #"{"n":99999999999999999999,"at":"2026-11-23T10:00:00.123Z"}"#,
        #"{"n":1,"at":"2026-11-23T10:00:00.123Z"#, #"{"n":1.0,"at":"2026-11-23T10:00:00.123Z"}"#,
    ]

    @Test("a line that begins otherwise has no header", arguments: badLines)
    func refusedLines(line: String) {
        #expect(LeafHeader(line.utf8) == nil)
    }
}
