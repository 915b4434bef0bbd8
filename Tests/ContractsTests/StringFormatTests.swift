import Foundation
import Testing

@testable import Contracts

struct StringFormatTests {
    private struct Group: Decodable {
        let tests: [Case]
    }

    private struct Case: Decodable {
        let description: String
        /// Nil: the value is no string, which formats do not concern.
        let data: String?
        let valid: Bool

        enum Key: String, CodingKey {
            case description, data, valid
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            description = try container.decode(String.self, forKey: .description)
            data = try? container.decode(String.self, forKey: .data)
            valid = try container.decode(Bool.self, forKey: .valid)
        }
    }

    private static func matches(_ format: StringFormat, _ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { format.matches($0) }
    }

    @Test func `a format is found by its name, and by no other`() {
        for format in StringFormat.allCases {
            #expect(StringFormat(name: format.name) == format)
        }
        #expect(StringFormat(name: "Date") == nil)
        #expect(StringFormat(name: "regex") == nil)
    }

    @Test(arguments: StringFormat.allCases)
    func `every case of the JSON Schema suite for a format is judged as it says`(
        format: StringFormat
    ) throws {
        let folder = Self.root.deletingLastPathComponent().appending(
            path: "shared/data/json-schema/draft2020-12/optional/format")
        let file = folder.appending(path: "\(format.name).json")
        guard FileManager.default.fileExists(atPath: file.path) else {
            print("skipped: no JSON Schema test suite at \(folder.path)")
            return
        }
        let groups = try JSONDecoder().decode([Group].self, from: Data(contentsOf: file))
        let cases = groups.flatMap(\.tests)
        #expect(cases.count > 10)
        for each in cases {
            guard let text = each.data else { continue }
            #expect(Self.matches(format, text) == each.valid, "\(each.description): \(text)")
        }
    }

    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test(arguments: [
        (StringFormat.date, "0000-02-29", true), (.date, "1900-02-29", false),
        (.dateTime, "2020-02-30T00:00:00Z", false), (.dateTime, "2020-02-29T00:00:00Z", true),
        (.dateTime, "2020-02-29", false), (.dateTime, "2020-02-29 00:00:00Z", false),
        (.time, "00:00:00.Z", false), (.time, "00:00:00.0Z", true), (.time, "", false),
        (.time, "00:00:00+0000", false), (.time, "23:59:60", false),
        (.email, "\"a\\\"b\"@example.com", true), (.email, "\"a\"b\"@example.com", false),
        (.email, "\"a\\\"@example.com", false), (.email, "a@[ipv6:::1]", true),
        (.email, "a@[IPv6:1]", false), (.email, "a@[]", false), (.email, "a@b@c", false),
        (.email, "a@xn--X", false), (.email, "j\u{fc}rgen@example.com", false),
        (.hostname, "1.2.3.4", true), (.hostname, "a..b", false),
        (.hostname, "XN--BCHER-KVA", true),
        (.hostname, "xn--", false), (.hostname, "xn--abc-", false),
        (.hostname, "xn--99999999", false),
        (.ipv4, "1.2.3.4.", false), (.ipv4, "1.2.3.1000", false), (.ipv4, "00.0.0.0", false),
        (.ipv6, "1:2:3:4:5:6:7::", true), (.ipv6, "::2:3:4:5:6:7:8", true),
        (.ipv6, "1::2:3:4:5:6:7:8", false), (.ipv6, "1:2:3:4:5:6:7:8:9", false),
        (.ipv6, ":", false), (.ipv6, ":::", false), (.ipv6, "::1.2.3.4:5", false),
        (.ipv6, "1:2:3:4:5:6:7:1.2.3.4", false), (.ipv6, "1:2:3:4:5:6::1.2.3.4", false),
        (.ipv6, "1:2:3:4:5::1.2.3.4", true), (.ipv6, "1:", false),
        (.uri, "a:", true), (.uri, "a:?b?c#d?e", true), (.uri, "a:#b#c", false),
        (.uri, "a://[v1.x:y]:80/", true), (.uri, "a://[v.x]", false), (.uri, "a://[::1", false),
        (.uri, "a://[::1]b", false), (.uri, "a://b:", true), (.uri, "a://b?c=[", false),
        (.uri, "", false), (.uri, ":a", false), (.uri, "a%41:b", false), (.uri, "a:%4", false),
        (.uuid, "", false), (.uuid, "00000000000000000000000000000000", false),
    ])
    func `a text at the edge of a format is judged by the format's RFC`(
        format: StringFormat, text: String, isValid: Bool
    ) {
        #expect(Self.matches(format, text) == isValid, "\(format.name): \(text)")
    }

    @Test(arguments: StringFormat.allCases)
    func `no text of random bytes or cut short stops a checker`(format: StringFormat) {
        var random = SystemRandomNumberGenerator()
        let seeds = [
            "2020-02-29T23:59:60.5+23:59", "2020-02-29", "23:59:60Z", "\"a b\"@[IPv6:::1]",
            "xn--9n2bp8q.xn--9t4b11yi5a", "192.168.0.1", "1:2::192.168.0.1",
            "ldap://u:p@[2001:db8::7]:80/c=GB?a%20b#c", "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        ]
        for seed in seeds {
            let bytes = Array(seed.utf8)
            for count in 0...bytes.count {
                bytes[..<count].withUnsafeBytes { _ = format.matches($0) }
            }
            for _ in 0..<500 {
                var changed = bytes
                let at = Int.random(in: 0..<changed.count, using: &random)
                changed[at] = UInt8.random(in: 0...255, using: &random)
                let isValid = changed.withUnsafeBytes { format.matches($0) }
                #expect(!isValid || changed.allSatisfy { $0 < 0x80 })
            }
        }
        #expect(!format.matches(UnsafeRawBufferPointer(start: nil, count: 0)))
    }
}
