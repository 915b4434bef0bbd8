import Foundation
import Testing

@testable import Contracts

/// A contract `t/t/1.0.0` over a schema of `strmMeta`, the key field `id` and the fields of a test,
/// with a decoder.
struct Fixture {
    let contract: Contract
    let registry = ContractRegistry()
    let decoder: EventDecoder

    /// What became of an event, without the part that all events share.
    enum Outcome: Equatable, CustomStringConvertible {
        case accepted(String)
        case refused(String, Refusal.Rule)

        var description: String {
            switch self {
            case .accepted(let text): "accepted \(text)"
            case .refused(let pointer, let rule): "refused \(pointer) (\(rule.rawValue))"
            }
        }
    }

    static let meta = """
        {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
          {"name":"eventContractRef","type":"string"},
          {"name":"nonce","type":["null","int"],"default":null},
          {"name":"timestamp","type":["null","long"],"default":null},
          {"name":"keyLink","type":["null","string"],"default":null},
          {"name":"billingId","type":["null","string"],"default":null},
          {"name":"consentLevels","type":{"type":"array","items":"int"}}]}}
        """

    init(
        fields: String = "", key: String = "id", pii: [(String, Int)] = [],
        regex: [(String, String)] = [], validations: [String] = [], subject: String? = nil,
        limits: EventLimits = EventLimits()
    ) throws {
        let document = try Self.document(
            fields: fields, key: key, pii: pii, regex: regex, validations: validations,
            subject: subject)
        self.init(contract: try Contract(document: document, number: 7), limits: limits)
    }

    init(contract: Contract, limits: EventLimits = EventLimits()) {
        self.contract = contract
        registry.replaceAll([(contract, .active)])
        decoder = EventDecoder(registry: registry, limits: limits)
    }

    static func document(
        fields: String, key: String = "id", pii: [(String, Int)] = [],
        regex: [(String, String)] = [], validations: [String] = [], subject: String? = nil,
        name: String = "t", version: String = "1.0.0"
    ) throws(ContractError) -> ContractDocument {
        let ref = #""handle":"t","name":"\#(name)","version":"\#(version)""#
        let validations =
            regex.map { #"{"field":"\#($0.0)","type":"regex","value":\#(quoted($0.1))}"# }
            + validations
        let rest = fields.isEmpty ? "" : ",\(fields)"
        let subjectMember = subject.map { #","dataSubjectField":"\#($0)""# } ?? ""
        let text = """
            {"ref":{\(ref)},"keyField":"\(key)",
             "piiFields":{\(pii.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ","))},
             "validations":[\(validations.joined(separator: ","))]\(subjectMember),
             "schema":{"ref":{\(ref),"schemaType":"AVRO"},"definition":
              {"type":"record","name":"Event","fields":[
                \(meta),{"name":"id","type":"string"}\(rest)]}}}
            """
        return try ContractDocument(json: Array(text.utf8))
    }

    static func quoted(_ text: String) -> String {
        "\"" + String(decoding: JSONText.escaped(text), as: UTF8.self) + "\""
    }

    /// Decodes an event with these members behind `strmMeta` and `id`.
    func json(_ members: String) -> Outcome {
        event(
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k""#
                + (members.isEmpty ? "" : ",") + members + "}")
    }

    func event(_ text: String) -> Outcome { event(Array(text.utf8), .json) }

    /// Decodes Avro binary with these bytes behind `strmMeta` and `id`.
    func binary(_ bytes: [UInt8]) -> Outcome {
        event(Self.binaryHead + bytes, .avroBinary)
    }

    static let binaryHead: [UInt8] =
        [0x12] + Array("t/t/1.0.0".utf8) + [0, 0, 0, 0, 2, 2, 0] + [2, UInt8(ascii: "k")]

    func event(
        _ bytes: [UInt8], _ format: EventDecoder.Format, schemaRef: String? = "t/t/1.0.0"
    ) -> Outcome {
        switch decode(bytes, format, schemaRef: schemaRef) {
        case .success(let text): return .accepted(Self.tail(text))
        case .failure(let refusal):
            guard let rule = Refusal.Rule(rawValue: refusal.rule) else {
                return .accepted("unlisted rule \(refusal.rule)")
            }
            return .refused(refusal.pointer, rule)
        }
    }

    /// The whole canonical JSON, or why it was refused.
    func decode(
        _ bytes: [UInt8], _ format: EventDecoder.Format = .json, schemaRef: String? = nil
    ) -> Result<String, Refusal> {
        // A copy that ends with its memory, so that the address sanitizer sees a read behind the
        // body.
        let body = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count, 1), alignment: 1)
        defer { body.deallocate() }
        body.copyBytes(from: bytes)
        let text = UnsafeRawBufferPointer(rebasing: body[..<bytes.count])
        do throws(Refusal) {
            if let schemaRef {
                var refusal: Refusal?
                Array(schemaRef.utf8).withUnsafeBytes { ref in
                    do throws(Refusal) {
                        try decoder.decode(text, format: format, schemaRef: ref)
                    } catch {
                        refusal = error
                    }
                }
                if let refusal { throw refusal }
            } else {
                try decoder.decode(text, format: format, schemaRef: nil)
            }
            return .success(String(decoding: decoder.json, as: UTF8.self))
        } catch {
            return .failure(error)
        }
    }

    static let head =
        #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","nonce":,"timestamp":,"keyLink":,"#
        + #""billingId":,"consentLevels":[1]},"id":"k""#

    private static func tail(_ text: String) -> String {
        guard text.hasPrefix(head) else { return text }
        let rest = text.dropFirst(head.count).dropLast()
        return String(rest.hasPrefix(",") ? rest.dropFirst() : rest)
    }

    /// The values of the personal spans: level and text between the quotes.
    var personal: [String] {
        decoder.spans.filter { $0.kind == .pii }.map { span in
            let text = decoder.json[Int(span.start)..<Int(span.start + span.length)]
            let path = contract.piiFields[Int(span.fieldIndex)].path
            let mark = span.isEscaped ? "\\" : ""
            return "\(path) \(span.level) \(String(decoding: text, as: UTF8.self))\(mark)"
        }
    }
}

/// Why a contract is refused: pointer and rule.
func contractError(_ body: () throws(ContractError) -> Void) -> String {
    do throws(ContractError) {
        try body()
        return "accepted"
    } catch {
        return "\(error.pointer) (\(error.rule))"
    }
}

/// The package's root folder.
let packageRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A small generator with a printed seed, so that a failing run can be repeated (STRM_TEST_SEED).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    static func printed() -> SeededGenerator {
        let given = ProcessInfo.processInfo.environment["STRM_TEST_SEED"].flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("STRM_TEST_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }
}
