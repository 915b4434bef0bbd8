import Contracts
import Foundation
import Testing

@testable import Privacy

@Suite struct EventOpenerTests {
    @Test("golden case: fields at levels 1, 2, 3, stream levels {0,1,2}: level 3 stays sealed")
    func golden() throws {
        let sealed = EventFixture.threeLevels().sealed()
        var output = ByteBuilder()
        #expect(try sealed.opened([0, 1, 2], into: &output) == 2)
        let text = String(decoding: output.toArray(), as: UTF8.self)
        #expect(text.contains("\"one\":\"first\""))
        #expect(text.contains("\"two\":\"a \\\"quote\\\" and \\\\ and \\u0001\""))
        let third = String(decoding: sealed.text(of: 2), as: UTF8.self)
        #expect(text.contains("\"three\":[\"\(third)\"]"))
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
    }

    @Test("all levels opened give the event as it was sent, with the server's fields")
    func roundTrip() throws {
        let sealed = EventFixture.threeLevels().sealed()
        var output = ByteBuilder(capacity: 1)
        #expect(try sealed.opened([1, 2, 3], into: &output) == 3)
        let expected = EventFixture.threeLevels().json
            .replacingOccurrences(of: "\"nonce\":", with: "\"nonce\":42")
            .replacingOccurrences(of: "\"timestamp\":", with: "\"timestamp\":1764000000123")
            .replacingOccurrences(
                of: "\"keyLink\":", with: "\"keyLink\":\"deadbeef-0000-4000-8000-000000000001\""
            )
            .replacingOccurrences(of: "\"billingId\":", with: "\"billingId\":\"bill\\\"1\"")
        #expect(String(decoding: output.toArray(), as: UTF8.self) == expected)
    }

    @Test("no level opens nothing: the bytes are the stored ones")
    func nothingOpened() throws {
        let sealed = EventFixture.threeLevels().sealed()
        var output = ByteBuilder()
        #expect(try sealed.opened([], into: &output) == 0)
        #expect(output.toArray() == sealed.json)
    }

    @Test("events are appended one behind the other")
    func appends() throws {
        let sealed = EventFixture.threeLevels().sealed()
        let opener = EventOpener()
        var output = ByteBuilder(capacity: 64)
        _ = try sealed.opened([1], into: &output, by: opener)
        output.append(byte: UInt8(ascii: "\n"))
        let first = output.count
        _ = try sealed.opened([1], into: &output, by: opener)
        let bytes = output.toArray()
        #expect(Array(bytes[..<(first - 1)]) == Array(bytes[first...]))
    }

    @Test("an altered field, whichever it is, leaves nothing of its event in the output")
    func alteredLeavesNothing() throws {
        for index in 0..<3 {
            var sealed = EventFixture.threeLevels().sealed()
            let place = Int(sealed.spans[index].start) + 12
            sealed.json[place] = sealed.json[place] == 65 ? 66 : 65
            var output = ByteBuilder()
            output.append(byte: 1)
            let damaged = sealed
            let failure = #expect(throws: OpenError.self) {
                try damaged.opened([1, 2, 3], into: &output)
            }
            #expect(failure == .altered)
            #expect(output.toArray() == [1])
        }
    }

    @Test("another key, or the right key under another id, opens nothing")
    func wrongKey() {
        let sealed = EventFixture.threeLevels().sealed()
        let otherID = KeyFixture(id: 1)
        let otherBytes = KeyFixture(bytes: [UInt8](repeating: 5, count: 64))
        var output = ByteBuilder()
        let first = #expect(throws: OpenError.self) {
            try sealed.opened([1], with: otherID, into: &output)
        }
        let second = #expect(throws: OpenError.self) {
            try sealed.opened([1], with: otherBytes, into: &output)
        }
        #expect(first == .wrongKey)
        #expect(second == .altered)
        #expect(output.count == 0)
    }

    @Test("spans that do not fit the event are refused, not trapped on")
    func hostileSpans() {
        let table: [(UInt32, UInt32)] = [
            (.max, .max), (0, .max), (1_000_000, 1), (5, 0), (0, 28),
        ]
        for (start, length) in table {
            var sealed = EventFixture.threeLevels().sealed()
            sealed.spans[1].start = start
            sealed.spans[1].length = length
            let hostile = sealed
            var output = ByteBuilder()
            let failure = #expect(throws: OpenError.self) {
                try hostile.opened([1, 2, 3], into: &output)
            }
            #expect(failure == .malformed, "\(start), \(length)")
            #expect(output.count == 0)
        }
    }

    @Test("levels above 63 in a damaged span stay sealed")
    func levelOutOfRange() throws {
        var sealed = EventFixture.threeLevels().sealed()
        sealed.spans[0].level = 200
        let odd = sealed
        var output = ByteBuilder()
        #expect(try odd.opened(Array(0...63), into: &output) == 2)
    }
}

@Suite struct ConsentFilterTests {
    @Test(
        "an event passes if its consent has every level that the derived stream requires",
        arguments: [
            ([0, 1, 2, 3], [0, 1, 2], true),
            ([0, 1, 3], [0, 1, 2], false),
            ([], [0, 1, 2], false),
            ([], [], false),
            ([1], [], false),
            ([0], [0], true),
            ([63], [63], true),
            ([1, 4], [4], true),
            ([1, 4], [1, 4, 5], false),
        ])
    func passes(event: [Int], required: [Int], expected: Bool) throws {
        let event = try #require(ConsentLevels(event))
        let required = try #require(ConsentLevels(required))
        #expect(ConsentFilter.passes(event: event, required: required) == expected)
    }
}
