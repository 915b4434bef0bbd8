import HTTP
import Testing

@testable import Server

@Suite("Wire forms")
struct WireTests {
    static let accepted: [(text: String, again: String)] = [
        ("{}", "{}"), (" [ 1 , -2.5 , 1e2 , true , null ] ", "[1,-2.5,100.0,true,null]"),
        (#""\u00e9\ud83d\ude00\n""#, "\"é😀\\n\""), (#"{"a":{"b":[]}}"#, #"{"a":{"b":[]}}"#),
        ("0", "0"), ("-0", "0"), ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9.223372036854776e+18"),
    ]

    @Test("JSON is read exactly and written compactly", arguments: accepted)
    func accepts(_ sample: (text: String, again: String)) throws {
        let value = try WireParser.parse(Array(sample.text.utf8))
        #expect(String(decoding: value.bytes, as: UTF8.self) == sample.again)
    }

    static let malformed = [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "01", "-", "1.", "1e", ".5", "+1",
        "NaN", "1e400", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\n\"",
        "\"", "tru", "nullx", "{} {}", "[1 2]", "{a:1}", "'a'", "\u{FEFF}{}", "/**/{}",
        String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
    ]

    @Test("everything else is refused", arguments: malformed)
    func refuses(_ text: String) {
        #expect(throws: WireError.self) { try WireParser.parse(Array(text.utf8)) }
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: WireError.self) { try WireParser.parse([0x22, 0xFF, 0x22]) }
    }

    static let times: [(text: String, milliseconds: Int64)] = [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-23T10:00:00.123Z", 1_795_428_000_123),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000), ("2000-02-29T12:00:00+02:00", 951_818_400_000),
        ("2026-11-23t10:00:00.1239z", 1_795_428_000_123),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("1970-01-01T00:00:00-00:30", 1_800_000),
    ]

    @Test("RFC 3339 times are read to the millisecond and written in UTC", arguments: times)
    func time(_ sample: (text: String, milliseconds: Int64)) {
        #expect(WireTime.parse(sample.text) == sample.milliseconds)
        #expect(WireTime.parse(WireTime.format(sample.milliseconds)) == sample.milliseconds)
    }

    @Test(
        "a time that is none is refused",
        arguments: [
            "", "2026-11-23", "2026-11-23T10:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:00:60Z",
            "2026-11-23 10:00:00Z", "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00+2:00",
            "2026-11-23T10:00:00+24:00", "1969-12-31T23:59:59Z", "2026-1-23T10:00:00Z",
        ])
    func noTime(_ text: String) { #expect(WireTime.parse(text) == nil) }

    @Test("base64url has one spelling for each value")
    func base64() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(Array(text.utf8)) == bytes)
            #expect(Base64URL.decode(Array((text + "=").utf8)) == nil)
        }
        for wrong in ["A", "AAAAA", "AB", "AAB", "A+", "A/", "A A", "A\n"] {
            #expect(Base64URL.decode(Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }

    @Test("forms decode exactly")
    func forms() {
        let pairs = FormText.pairs("a=1&b=x+y%20z&c=&d&&e=%C3%A9")
        #expect(pairs?.map(\.name) == ["a", "b", "c", "d", "e"])
        #expect(pairs?.map(\.value) == ["1", "x y z", "", "", "é"])
        for wrong in ["%", "%4", "%zz", "%ff", "a=%c3"] { #expect(FormText.pairs(wrong) == nil) }
        #expect(FormText.decode("a+b", plusIsSpace: false) == "a+b")
    }

    @Test("a route is found by its segments, decoded, and by nothing else")
    func router() {
        func route(_ template: String) -> Route {
            Route(method: .get, template: template, access: .open) { _ in
                throw Problem.internalError
            }
        }
        let router = Router([route("/a"), route("/a/{x}"), route("/a/{x}/c"), route("/t/{p...}")])
        func parameters(_ path: String) -> [String: String]? {
            if case .found(_, let parameters) = router.match(method: "GET", path: path) {
                return parameters
            }
            return nil
        }
        #expect(parameters("/a") == [:])
        #expect(parameters("/a/b%20c") == ["x": "b c"])
        #expect(parameters("/a/b%2Fc") == ["x": "b/c"])
        #expect(parameters("/t/x001/067.p/4") == ["p": "x001/067.p/4"])
        for path in ["/", "/b", "/a/", "//a", "/a/b/d", "/a/b/c/d", "/t", "/t/", "a", "/a/%f", ""] {
            #expect(parameters(path) == nil, "\(path)")
        }
    }
}
