import Contracts
import Foundation
import Testing

@testable import Privacy

@Suite struct EventSealerTests {
    @Test("personal values are sealed, the server's fields are filled in, all else is copied")
    func sealsAndFills() throws {
        let sealed = EventFixture.threeLevels().sealed()
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(sealed.json)) as? [String: Any])
        let meta = try #require(object["strmMeta"] as? [String: Any])
        #expect(meta["nonce"] as? Int == 42)
        #expect(meta["timestamp"] as? Int == 1_764_000_000_123)
        #expect(meta["keyLink"] as? String == "deadbeef-0000-4000-8000-000000000001")
        #expect(meta["billingId"] as? String == "bill\"1")
        #expect(object["one"] as? String == String(decoding: sealed.text(of: 0), as: UTF8.self))
        #expect(!String(decoding: sealed.json, as: UTF8.self).contains("first"))
    }

    @Test("the span table tells field, level and place of each sealed value")
    func spanTable() {
        let sealed = EventFixture.threeLevels().sealed()
        #expect(sealed.spans.map(\.level) == [1, 2, 3])
        #expect(sealed.spans.map(\.fieldIndex) == [0, 1, 2])
        let key = KeyFixture()
        #expect(sealed.text(of: 0) == key.seal(Array("first".utf8)))
        // What is sealed is the value, not its JSON escapes.
        #expect(sealed.text(of: 1) == key.seal(Array("a \"quote\" and \\ and \u{1}".utf8)))
        #expect(sealed.text(of: 2) == key.seal([]))
        #expect(MemoryLayout<SealedSpanValue>.size == 12)
    }

    @Test("the place of the 13 timestamp digits is given")
    func timestampDigits() {
        let sealed = EventFixture.threeLevels().sealed()
        let place = sealed.timestampDigitsAt
        #expect(String(decoding: sealed.json[place..<place + 13], as: UTF8.self) == "1764000000123")
    }

    @Test(
        "a timestamp always has 13 digits",
        arguments: [
            (Int64.min, "1000000000000"), (0, "1000000000000"), (999_999_999_999, "1000000000000"),
            (9_999_999_999_999, "9999999999999"), (Int64.max, "9999999999999"),
        ])
    func timestampRange(timestamp: Int64, digits: String) {
        let sealed = EventFixture.threeLevels().sealed(timestamp: timestamp)
        let place = sealed.timestampDigitsAt
        #expect(String(decoding: sealed.json[place..<place + 13], as: UTF8.self) == digits)
    }

    @Test(
        "a nonce is never negative",
        arguments: [(Int32.min, "0"), (-1, "2147483647"), (0, "0"), (7, "7"), (.max, "2147483647")])
    func nonceRange(nonce: Int32, digits: String) {
        let sealed = EventFixture.threeLevels().sealed(nonce: nonce)
        #expect(String(decoding: sealed.json, as: UTF8.self).contains("\"nonce\":\(digits),"))
    }

    @Test("the capacity asked for is enough in the worst case, and nothing is written beyond")
    func capacity() {
        let hostile = String(repeating: "\u{1}\"\\", count: 40)
        let sealed = EventFixture.threeLevels().sealed(
            nonce: .max, billingId: hostile, spareBytes: 0)
        #expect(sealed.json.last == UInt8(ascii: "}"))
    }

    @Test("an event with more fields than any before is sealed whole, and the sealer is reused")
    func manyFields() {
        let sealer = EventSealer()
        for count in [3, 1_000, 17, 1_001] {
            var event = EventFixture()
            event.insertion(.timestamp)
            for index in 0..<count {
                event.text("\"")
                event.personal("value \(index)", level: 1, field: UInt16(index))
                event.text("\",")
            }
            let sealed = event.sealed(by: sealer)
            #expect(sealed.spans.count == count)
            #expect(
                sealed.text(of: count - 1) == KeyFixture().seal(Array("value \(count - 1)".utf8)))
        }
    }
}
