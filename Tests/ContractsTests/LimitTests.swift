import Testing

@testable import Contracts

@Suite("the limits of an event")
struct LimitTests {
    private let nested =
        #"{"name":"f","type":["null",{"type":"record","name":"N","fields":["#
        + #"{"name":"n","type":["null","N"],"default":null}]}],"default":null}"#

    private func chain(_ depth: Int) -> String {
        #""f":"# + String(repeating: #"{"n":"#, count: depth) + "null"
            + String(repeating: "}", count: depth)
    }

    @Test("64 nested values are accepted, the event included; one more is refused")
    func depth() throws {
        let fixture = try Fixture(fields: nested)
        guard case .accepted = fixture.json(chain(63)) else {
            Issue.record("refused: \(fixture.json(chain(63)))")
            return
        }
        #expect(fixture.json(chain(64)) == .refused("", .depth))
        #expect(fixture.json(chain(10_000)) == .refused("", .depth))
    }

    @Test("Avro binary nested 10,000 deep is refused at the same depth")
    func binaryDepth() throws {
        let fixture = try Fixture(fields: nested)
        let deep = [UInt8](repeating: 2, count: 10_000) + [0]
        guard case .refused(let pointer, .depth) = fixture.binary(deep) else {
            Issue.record("not refused for its depth")
            return
        }
        #expect(pointer.hasPrefix("/f/n/n"))
        guard case .accepted = fixture.binary([UInt8](repeating: 2, count: 63) + [0]) else {
            Issue.record("63 are allowed")
            return
        }
    }

    @Test("strings of 256 KiB are accepted, longer ones refused")
    func stringSize() throws {
        let fixture = try Fixture(fields: #"{"name":"f","type":"string"}"#)
        let most = String(repeating: "é", count: 128 << 10)
        #expect(fixture.json(#""f":"\#(most)""#) == .accepted(#""f":"\#(most)""#))
        #expect(fixture.json(#""f":"\#(most)x""#) == .refused("/f", .stringSize))
    }

    @Test("bodies over the limit are refused before they are parsed")
    func bodySize() throws {
        let fixture = try Fixture(fields: #"{"name":"f","type":"string"}"#)
        let body = [UInt8](repeating: UInt8(ascii: " "), count: (1 << 20) + 1)
        #expect(fixture.event(body, .json) == .refused("", .bodySize))
        #expect(fixture.event(body, .avroBinary) == .refused("", .bodySize))
    }

    @Test("map keys are at most 256 bytes and 1,024 in a map")
    func keys() throws {
        let fixture = try Fixture(fields: #"{"name":"f","type":{"type":"map","values":"int"}}"#)
        let long = String(repeating: "k", count: 256)
        #expect(fixture.json(#""f":{"\#(long)":1}"#) == .accepted(#""f":{"\#(long)":1}"#))
        guard case .refused(_, .keySize) = fixture.json(#""f":{"\#(long)k":1}"#) else {
            Issue.record("too long a key")
            return
        }
        func map(_ count: Int) -> String {
            #""f":{"# + (0..<count).map { #""\#($0)":1"# }.joined(separator: ",") + "}"
        }
        #expect(fixture.json(map(1_024)) == .accepted(map(1_024)))
        guard case .refused(_, .keyCount) = fixture.json(map(1_025)) else {
            Issue.record("too many keys")
            return
        }
    }

    @Test("an unknown name of a megabyte makes a small refusal")
    func hugeName() throws {
        let fixture = try Fixture()
        let name = String(repeating: "n", count: 500_000)
        guard case .refused(let pointer, .unknownField) = fixture.json(#""\#(name)":1"#) else {
            Issue.record("unknown field")
            return
        }
        #expect(pointer.utf8.count == 257)
    }

    @Test("defaults cannot blow an event up beyond the canonical limit")
    func amplification() throws {
        let filler = String(repeating: "d", count: 60_000)
        let fixture = try Fixture(
            fields: #"{"name":"f","type":{"type":"array","items":{"type":"record","name":"R","#
                + #""fields":[{"name":"a","type":"string","default":"\#(filler)"}]}}}"#)
        let items = [String](repeating: "{}", count: 100).joined(separator: ",")
        guard case .refused(_, .canonicalSize) = fixture.json(#""f":[\#(items)]"#) else {
            Issue.record("not bounded")
            return
        }
        #expect(fixture.json(#""f":[{}]"#) == .accepted(#""f":[{"a":"\#(filler)"}]"#))
    }

    @Test("colliding or not, the key check of a full map is quick enough to run many times")
    func manyMaps() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":{"type":"array","items":{"type":"map","values":"null"}}}"#)
        let map = "{" + (0..<1_000).map { #""k\#($0)":null"# }.joined(separator: ",") + "}"
        let text = #""f":["# + [String](repeating: map, count: 60).joined(separator: ",") + "]"
        #expect(fixture.json(text) == .accepted(text))
    }
}
