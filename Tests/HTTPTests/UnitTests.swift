import Foundation
import NIOCore
import Testing

@testable import HTTP

@Suite("the small parts")
struct UnitTests {
    @Test("dates are those of the calendar, from 1970 to 2400")
    func dates() throws {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for seconds in stride(from: 0, to: 13_569_465_600, by: 86_400 * 37 + 3_723) {
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(HTTPDate.text(seconds) == expected)
            #expect(expected.utf8.count == HTTPDate.count)
        }
        #expect(HTTPDate.text(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }

    @Test("a token keeps its parts")
    func tokens() {
        let token = ResponseToken(loop: 1023, slot: 9_999, generation: .max, stream: .max)
        #expect(token.loopIndex == 1023)
        #expect(token.slot == 9_999)
        #expect(token.generation == .max)
        #expect(token.stream == .max)
        #expect(MemoryLayout<ResponseToken>.size == 16)
    }

    @Test("methods and numbers are read from bytes exactly")
    func bytes() {
        func method(_ text: String) -> HTTPMethod? {
            Array(text.utf8).withUnsafeBytes { HTTPMethod($0) }
        }
        func number(_ text: String) -> Int? {
            Array(text.utf8).withUnsafeBytes(\.decimalNumber)
        }
        for each in HTTPMethod.allCases { #expect(method(each.rawValue) == each) }
        for text in ["", "get", "GETS", "POS", "CONNECT", "TRACK", "P\0ST"] {
            #expect(method(text) == nil)
        }
        #expect(number("0012") == 12)
        #expect(number("999999999999999999") == 999_999_999_999_999_999)
        for text in ["", "-1", "+1", " 1", "1a", "1000000000000000000"] {
            #expect(number(text) == nil)
        }
    }

    @Test("a request buffer keeps fields in order, the first of each known name, and is reused")
    func requestBuffer() {
        let buffer = RequestBuffer()
        func add(_ name: String, _ value: String) {
            Array(name.utf8).withUnsafeBytes { name in
                Array(value.utf8).withUnsafeBytes { buffer.add(name: name, value: $0) }
            }
        }
        for _ in 0..<3 {
            add(":path", "/a")
            add(":authority", "h")
            add("accept", "")
            add("authorization", "first")
            add("authorization", "second")
            for index in 0..<90 { add("x-\(index)", String(repeating: "v", count: index)) }
            #expect(buffer.bytes(of: buffer.path).elementsEqual("/a".utf8))
            #expect(buffer.bytes(of: buffer.authorization).elementsEqual("first".utf8))
            #expect(buffer.accept.isPresent)
            #expect(buffer.bytesIfPresent(buffer.accept)?.isEmpty == true)
            #expect(buffer.bytesIfPresent(buffer.expect) == nil)
            var names: [String] = []
            RequestBuffer.forEachField(in: buffer.fields.bytes) { name, _ in
                names.append(String(decoding: name, as: UTF8.self))
            }
            #expect(names.prefix(4) == ["host", "accept", "authorization", "authorization"])
            #expect(names.count == 94)
            buffer.appendBody(UnsafeRawBufferPointer(buffer.fields.bytes))
            #expect(buffer.body.count == buffer.fields.count)
            buffer.reset()
            #expect(buffer.fields.count == 0 && buffer.body.count == 0 && buffer.fieldCount == 0)
        }
    }

    @Test("places are counted by address, an IPv6 network counts as one, and they come back")
    func limiter() throws {
        let limiter = ConnectionLimiter(total: 3, perAddress: 2)
        func key(_ text: String) throws -> ConnectionLimiter.AddressKey {
            ConnectionLimiter.key(of: try SocketAddress(ipAddress: text, port: 1))
        }
        try #expect(key("192.0.2.1") == key("::ffff:192.0.2.1"))
        try #expect(key("192.0.2.1") != key("192.0.2.2"))
        try #expect(key("2001:db8::1") == key("2001:db8::2"))
        try #expect(key("2001:db8::1") != key("2001:db8:0:1::1"))
        try #expect(limiter.admit(key("192.0.2.1")))
        try #expect(limiter.admit(key("::ffff:192.0.2.1")))
        try #expect(!limiter.admit(key("192.0.2.1")))
        try #expect(limiter.admit(key("2001:db8::1")))
        try #expect(!limiter.admit(key("2001:db8:9::1")))
        limiter.release(try key("192.0.2.1"))
        try #expect(limiter.admit(key("192.0.2.1")))
        #expect(limiter.open == 3)
        #expect(limiter.refused == 2)
    }

    @Test("a rate is counted anew in each window")
    func rate() {
        var window = RateWindow()
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }
        for _ in 0..<3 {
            let isOver = window.exceeds(3, in: .seconds(30), now: at(0))
            #expect(!isOver)
        }
        let isOver = window.exceeds(3, in: .seconds(30), now: at(30))
        #expect(isOver)
        let isOverLater = window.exceeds(3, in: .seconds(30), now: at(31))
        #expect(!isOverLater)
    }

    @Test("a body's rate counts after its grace only")
    func bodyRate() {
        let limits = Limits(HTTPConfiguration())
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(!limits.isTooSlow(count: 0, since: start, now: start + .seconds(10)))
        #expect(limits.isTooSlow(count: 0, since: start, now: start + .seconds(11)))
        #expect(!limits.isTooSlow(count: 2048, since: start, now: start + .seconds(12)))
        #expect(limits.isTooSlow(count: 2047, since: start, now: start + .seconds(12)))
    }

    @Test("a response that could forge another is replaced by a bare 500")
    func responses() {
        let forging = [
            ("a\r\nb", "c"), ("", "c"), ("a b", "c"), ("a:", "c"), ("a", "b\r\nc"), ("a", "b\0"),
            ("ä", "b"),
        ]
        for header in forging {
            let checked = HTTPResponse(status: 200, headers: [header], body: [1]).checked()
            #expect(checked.status == 500 && checked.headers.isEmpty && checked.body.isEmpty)
        }
        for status in [0, 100, 199, 600, -1] {
            #expect(HTTPResponse(status: status).checked().status == 500)
        }
        #expect(HTTPResponse(status: 200, headers: [("a", "b\tc ü")]).checked().status == 200)
    }

    @Test("targets are brought into origin form")
    func targets() {
        func target(_ text: String) -> String {
            Array(text.utf8).withUnsafeBytes {
                String(decoding: HTTP1Head.target($0), as: UTF8.self)
            }
        }
        #expect(target("/a?b") == "/a?b")
        #expect(target("*") == "*")
        #expect(target("http://a.b:1/c?d") == "/c?d")
        #expect(target("HTTPS://a/") == "/")
        #expect(target("http://a") == "/")
        #expect(target("http://a?q") == "/")
        #expect(target("ftp://a/b") == "")
        #expect(target("a/b") == "")
    }

    @Test("the default limits are the documented ones")
    func defaults() {
        let configuration = HTTPConfiguration()
        #expect(configuration.problem() == nil)
        #expect(configuration.bodyBytesMax == 1 << 20)
        #expect(configuration.headerListBytesMax == 16 << 10)
        #expect(configuration.streamsPerConnectionMax == 128)
        #expect(configuration.connectionsMax == 10_000)
        #expect(configuration.connectionsPerAddressMax == 1_000)
        #expect(configuration.outboundBytesMax == 256 << 10)
        #expect(!configuration.allowInsecureRemote)
    }
}
