import Foundation
import Testing

@testable import Contracts

/// Public parsing cases by N. Seriot; in the folder STRM_SHARED_DATA, or beside the package.
private let casesFolder: URL = {
    let given = ProcessInfo.processInfo.environment["STRM_SHARED_DATA"].map { URL(filePath: $0) }
    let shared = given ?? packageRoot.deletingLastPathComponent().appending(path: "shared/data")
    return shared.appending(path: "json-parsing/test_parsing")
}()

@Suite("the JSON parser")
struct JSONConformanceTests {
    private static let isThere = FileManager.default.fileExists(atPath: casesFolder.path)

    @Test(
        "accepts every y_ case, refuses every n_ case and survives every i_ case",
        .enabled(if: isThere))
    func cases() throws {
        let parser = JSONParser(depthMax: EventLimits.depthMax)
        let fixture = try Fixture()
        var counts: [Character: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: casesFolder.path).sorted() {
            guard name.hasSuffix(".json"), let kind = name.first else { continue }
            let bytes = [UInt8](try Data(contentsOf: casesFolder.appending(path: name)))
            let isAccepted = bytes.withUnsafeBytes { (try? parser.parse($0)) != nil }
            switch kind {
            case "y": #expect(isAccepted, "\(name)")
            case "n": #expect(!isAccepted, "\(name)")
            default: break
            }
            // As an event each of them is refused, and as a contract document too, without a crash.
            guard case .refused = fixture.event(bytes, .detect) else {
                Issue.record("\(name) is no event")
                continue
            }
            #expect(throws: ContractError.self) { try ContractDocument(json: bytes) }
            #expect(throws: ContractError.self) { try ContractDocument(yaml: bytes) }
            counts[kind, default: 0] += 1
        }
        #expect(counts["y", default: 0] > 90 && counts["n", default: 0] > 180)
        #expect(counts["i", default: 0] > 30)
    }

    @Test("numbers, strings and nesting come through the tape as they are")
    func tape() throws {
        let text =
            #"{"a":[1,-2,18446744073709551615,1.5,"x\u0000y",true,false,null,{}],"b":{"c":[]}}"#
        let value = try JSONValue.parse(Array(text.utf8), pointer: "")
        #expect(String(decoding: value.bytes, as: UTF8.self) == text)
    }

    @Test("a document may nest as deep as the limit and no deeper")
    func depth() {
        let parser = JSONParser(depthMax: 64)
        func isAccepted(_ depth: Int) -> Bool {
            let text =
                String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
            return Array(text.utf8).withUnsafeBytes { (try? parser.parse($0)) != nil }
        }
        #expect(isAccepted(64))
        #expect(!isAccepted(65))
        #expect(!isAccepted(1_000_000))
        #expect(isAccepted(1))
    }

    @Test("a parser grows with its texts and still reads small ones")
    func growth() throws {
        let parser = JSONParser(depthMax: 8)
        for count in [10, 5_000, 70_000, 1_000_000, 3] {
            let text =
                "[" + [String](repeating: "\"\\u0041b\"", count: count).joined(separator: ",") + "]"
            try Array(text.utf8).withUnsafeBytes { bytes in
                let tape = try parser.parse(bytes)
                #expect(tape.memberCount(JSONTape.rootIndex) == count)
                #expect(tape.string(JSONTape.rootIndex + count).elementsEqual("Ab".utf8))
            }
        }
    }
}
