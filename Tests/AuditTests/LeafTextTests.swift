import AuditProof
import Foundation
import Store
import Testing

@testable import Audit

@Suite("The text of an entry")
struct LeafTextTests {
    static let hostile = [
        "", "\"", "\\", "\\\"", #"","act":"release","client":"innocent"#, "a\nb", "a\r\n{\"n\":0}",
        "\u{0}\u{1}\u{1F}\u{7F}", "\u{85}\u{2028}\u{2029}", "\u{202E}gnp.exe", "\u{FEFF}", "größe",
        "日本語", "👩‍👩‍👧‍👦", "\u{10FFFF}", "e\u{301}", "}", "]", "<script>", "${x}", "%s%n",
        String(repeating: "\"", count: 256), "\t tab",
    ]

    static func object(_ line: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    @Test("a hostile name stays one value of one line of ASCII JSON", arguments: hostile)
    func hostileNames(name: String) throws {
        let entry = AuditEntry(
            act: .release, client: name, role: name, stream: name, derivedStream: name,
            fields: [name, "b"], contracts: [name], purposes: [1], detail: ["reason": name])
        let body = AuditLog.draft(entry).body
        #expect(body.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        let object = try Self.object([0x7B] + body + [0x7D])
        #expect(object.count == 9)
        for member in ["client", "role", "stream", "derivedStream"] {
            #expect((object[member] as? String).map { Array($0.utf16) } == Array(name.utf16))
        }
        #expect(object["fields"] as? [String] == [name, "b"])
        #expect(object["contracts"] as? [String] == [name])
        #expect(object["detail"] as? [String: String] == ["reason": name])
        #expect(object["act"] as? String == "release")
    }

    @Test("a filter finds an entry by its hostile name, and by no other", arguments: hostile)
    func hostileFilter(name: String) {
        let leaf =
            Array(#"{"n":0,"at":"2026-11-23T12:00:00.000Z","#.utf8)
            + AuditLog.draft(AuditEntry(act: .release, client: name, fields: [name])).body + [0x7D]
        func matches(_ filter: AuditFilter) -> Bool {
            leaf.withUnsafeBytes { LeafMatcher(filter).matches($0) }
        }
        #expect(matches(AuditFilter(client: name, field: name)))
        #expect(!matches(AuditFilter(client: name + "x")))
        #expect(!matches(AuditFilter(field: name + "x")))
        #expect(!matches(AuditFilter(stream: name)))
        #expect(!matches(AuditFilter(client: "innocent")))
    }

    @Test("a name is cut after 256 bytes, between characters, and says so")
    func longNames() throws {
        let name = String(repeating: "ü", count: 200)
        let object = try Self.object(
            [0x7B] + AuditLog.draft(AuditEntry(act: .tokenRefused, client: name)).body + [0x7D])
        #expect(object["client"] as? String == String(repeating: "ü", count: 128) + "…")
    }

    @Test("the largest entry that anybody can make fits into 65,535 bytes and counts what it omits")
    func largestEntry() throws {
        let worst = String(repeating: "\u{1}", count: 300)
        let detail = Dictionary(
            uniqueKeysWithValues: (0..<200).map { ("key-\($0)", worst) })
        let entry = AuditEntry(
            act: .derivedStreamCreated, client: worst, role: worst, stream: worst,
            derivedStream: worst, partition: .min,
            offsets: (first: Offset(rawValue: .max), last: Offset(rawValue: .max)),
            fields: (0..<5000).map { "\(worst.prefix(100))\($0)" },
            contracts: [String](repeating: worst, count: 100),
            purposes: [Int](repeating: .min, count: 500), events: .min, keyLinks: .min,
            sealedFields: .min, detail: detail)
        let body = AuditLog.draft(entry).body
        #expect(body.count <= LeafText.bodyByteCountMax)
        #expect(body.count + 64 <= EntryBundle.entryByteCountMax)
        let object = try Self.object([0x7B] + body + [0x7D])
        let fields = try #require(object["fields"] as? [String])
        #expect(object["fieldsOmitted"] as? Int == 5000 - fields.count)
        #expect(fields.count > 40)
        let kept = try #require(object["detail"] as? [String: String])
        #expect(object["detailOmitted"] as? Int == 200 - kept.count)
        #expect(
            object["contractsOmitted"] as? Int == 100 - (object["contracts"] as? [Any] ?? []).count)
        #expect(object["purposesOmitted"] != nil)
    }

    @Test("an ordinary contract with many fields omits none")
    func manyFields() throws {
        let fields = (0..<1000).map { "customer/address/line-\($0)" }
        let body = AuditLog.draft(AuditEntry(act: .release, fields: fields)).body
        let object = try Self.object([0x7B] + body + [0x7D])
        #expect(object["fields"] as? [String] == fields)
        #expect(object["fieldsOmitted"] == nil)
    }

    @Test("an entry whose list of fields was cut counts for every field")
    func omittedFields() {
        let fields = (0..<9000).map { "customer/address/line-\($0)" }
        let leaf = [0x7B] + AuditLog.draft(AuditEntry(act: .release, fields: fields)).body + [0x7D]
        leaf.withUnsafeBytes {
            #expect(LeafMatcher(AuditFilter(field: "customer/address/line-8999")).matches($0))
            #expect(!LeafMatcher(AuditFilter(purpose: 3)).matches($0))
        }
    }

    @Test("detail keys that are not words are left out and counted")
    func detailKeys() throws {
        let entry = AuditEntry(
            act: .streamCreated, detail: ["retention-days": "7", "a\"b": "x", "": "y", "ü": "z"])
        let object = try Self.object([0x7B] + AuditLog.draft(entry).body + [0x7D])
        #expect(object["detail"] as? [String: String] == ["retention-days": "7"])
        #expect(object["detailOmitted"] as? Int == 3)
    }

    @Test("a filter reads members, not text: nested keys and values do not count")
    func nestedMembers() {
        let leaf =
            Array(
                #"{"n":0,"at":"x","act":"release","client":"a","fields":["client","b"],"#.utf8)
            + Array(#""purposes":[12,4],"detail":{"stream":"s","x":"\",\"stream\":\"s\""}}"#.utf8)
        func matches(_ filter: AuditFilter) -> Bool {
            leaf.withUnsafeBytes { LeafMatcher(filter).matches($0) }
        }
        #expect(!matches(AuditFilter(stream: "s")))
        #expect(!matches(AuditFilter(purpose: 1)))
        #expect(!matches(AuditFilter(purpose: 2)))
        #expect(matches(AuditFilter(purpose: 12)))
        #expect(matches(AuditFilter(act: .release, client: "a", field: "b", purpose: 4)))
        #expect(!matches(AuditFilter(act: .tokenIssued, client: "a", field: "b", purpose: 4)))
    }

    static let broken = [
        "", "{", "{}", "[]", #"{"a":1"#, #"{"a":"x}"#, #"{"a"}"#, #"{"a":}x"#, "nonsense",
    ]

    @Test("an entry that cannot be read is shown rather than hidden", arguments: broken)
    func brokenLeaves(text: String) {
        Array(text.utf8).withUnsafeBytes {
            #expect(LeafMatcher(AuditFilter(client: "a")).matches($0))
        }
    }
}
