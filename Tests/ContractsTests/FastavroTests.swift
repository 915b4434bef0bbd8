import Foundation
import Testing

@testable import Contracts

@Suite("compared with fastavro")
struct FastavroTests {
    private struct Case: Decodable {
        let schema: String
        let binary: Data
        let json: String?
        let plain: String
    }

    private static func cases(seed: UInt64, count: Int) throws -> [Case] {
        let environment = ProcessInfo.processInfo.environment
        let python =
            environment["STRM_TEST_PYTHON"]
            ?? packageRoot.appending(path: ".venv/bin/python").path
        let process = Process()
        process.executableURL = URL(filePath: python)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Data/fastavro_cases.py")
        process.arguments = [script.path, String(seed), String(count)]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "fastavro in \(python)")
        return try output.split(separator: UInt8(ascii: "\n")).map { line in
            try JSONDecoder().decode(Case.self, from: Data(line))
        }
    }

    private static func fixture(_ schema: String) throws -> Fixture {
        let text = """
            {"ref":{"handle":"t","name":"t","version":"1.0.0"},"keyField":"id","schema":
             {"ref":{"handle":"t","name":"t","version":"1.0.0"},"definition":\(schema)}}
            """
        let contract = try Contract(
            document: ContractDocument(json: Array(text.utf8)), number: 1)
        let fixture = try Fixture()
        fixture.registry.replaceAll([(contract, .active)])
        return fixture
    }

    /// Equal but for the order of members and the digits of floats.
    private func isSame(_ one: JSONValue?, _ other: JSONValue?) -> Bool {
        switch (one, other) {
        case (.object(let a)?, .object(let b)?):
            return a.count == b.count && a.allSatisfy { isSame($0.value, other?[$0.name]) }
        case (.array(let a)?, .array(let b)?):
            return a.count == b.count && zip(a, b).allSatisfy { isSame($0, $1) }
        default:
            guard let a = number(one), let b = number(other) else { return one == other }
            return a == b || Float(a) == Float(b) && Float(a).isFinite
        }
    }

    private func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .integer(let number)?: Double(number)
        case .double(let number)?: number
        default: nil
        }
    }

    @Test("its binary, its JSON and plain JSON of random schemas end in the same canonical JSON")
    func sameCanonicalForm() throws {
        var generator = SeededGenerator.printed()
        let seed = generator.next() & 0xffff_ffff
        let cases = try Self.cases(seed: seed, count: 400)
        #expect(cases.count == 400)
        var jsonCount = 0
        for example in cases {
            let fixture = try Self.fixture(example.schema)
            let binary = fixture.decode(
                [UInt8](example.binary), .avroBinary, schemaRef: "t/t/1.0.0")
            let plain = fixture.decode(Array(example.plain.utf8))
            guard case .success(let text) = binary else {
                Issue.record("seed \(seed): \(binary) for \(example.schema)")
                return
            }
            if let json = example.json {
                jsonCount += 1
                #expect(fixture.decode(Array(json.utf8)) == binary, "seed \(seed): \(json)")
            }
            #expect(plain == binary, "seed \(seed): \(example.schema) \(example.plain)")
            let filled = text.replacing(
                #""nonce":,"timestamp":,"keyLink":,"billingId":,"#, with: "")
            let ours = try JSONValue.parse(Array(filled.utf8), pointer: "")
            let theirs = try JSONValue.parse(Array(example.plain.utf8), pointer: "")
            #expect(isSame(ours, theirs), "seed \(seed): \(filled) and \(example.plain)")
        }
        #expect(jsonCount > 300)
    }

    @Test("damaged binary of random schemas never crashes, and what is accepted is JSON")
    func damage() throws {
        var generator = SeededGenerator.printed()
        for example in try Self.cases(seed: generator.next() & 0xffff_ffff, count: 60) {
            let fixture = try Self.fixture(example.schema)
            let original = [UInt8](example.binary)
            for _ in 0..<120 {
                var bytes = original
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 1: bytes.removeLast(bytes.count - at)
                default: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                }
                guard
                    case .success(let text) = fixture.decode(
                        bytes, .avroBinary, schemaRef: "t/t/1.0.0")
                else { continue }
                let filled = text.replacing(
                    #""nonce":,"timestamp":,"keyLink":,"billingId":,"#, with: "")
                _ = try JSONValue.parse(Array(filled.utf8), pointer: "")
            }
        }
    }
}
