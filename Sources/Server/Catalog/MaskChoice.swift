import Query
import Store

/// The masks of a derived stream as its maker writes them:
/// `[{"contract": …, "field": …, "type": "hmac-sha256" or "murmur3", "seed": … of murmur3 only}]`.
enum MaskChoice {
    private static let members = ["contract", "field", "type", "seed"]
    /// A path in bytes, as in a contract.
    private static let fieldBytesMax = 1_024

    static func masks(_ body: BodyObject) throws(Problem) -> [MaskRule] {
        guard let items = try body.list("masks") else { return [] }
        guard items.count <= MaskRule.countMax else {
            throw .invalid("/masks", expected: "at most \(MaskRule.countMax) masks")
        }
        var masks: [MaskRule] = []
        for (index, item) in items.enumerated() {
            let pointer = "/masks/\(index)"
            guard case .object(let given) = item,
                given.allSatisfy({ members.contains($0.name) })
            else {
                throw .invalid(
                    pointer, expected: "an object of \(members.joined(separator: ", "))")
            }
            masks.append(try mask(item, at: pointer))
        }
        return masks
    }

    private static func mask(_ item: WireValue, at pointer: String) throws(Problem) -> MaskRule {
        func text(_ member: String) throws(Problem) -> String {
            guard case .string(let text)? = item[member], text.utf8.count <= fieldBytesMax else {
                throw .invalid(
                    "\(pointer)/\(member)", expected: "a string of at most \(fieldBytesMax) bytes")
            }
            return text
        }
        let name = item["type"] == nil ? MaskRule.Function.hmacSHA256.rawValue : try text("type")
        guard let type = MaskRule.Function(rawValue: name) else {
            throw .invalid("\(pointer)/type", expected: "hmac-sha256 or murmur3")
        }
        let seed = item["seed"].flatMap { $0.isNull ? nil : $0 }
        var mask = MaskRule(contract: try text("contract"), field: try text("field"), type: type)
        switch (type, seed) {
        case (.hmacSHA256, nil): break
        case (.hmacSHA256, _?):
            throw .invalid("\(pointer)/seed", expected: "nothing: the server makes the seed")
        case (.murmur3, let given):
            guard let number = given?.wholeNumber, let seed = UInt32(exactly: number) else {
                throw .invalid(
                    "\(pointer)/seed", expected: "a whole number from 0 to \(UInt32.max)")
            }
            mask.seed = seed
        }
        return mask
    }

    /// As shown: without seeds, which are for nobody who reads.
    static func shown(_ masks: [MaskRule]) -> WireValue {
        .array(
            masks.map { mask in
                var members: [(name: String, value: WireValue)] = [
                    ("contract", .string(mask.contract)), ("field", .string(mask.field)),
                    ("type", .string(mask.type.rawValue)),
                ]
                if mask.type == .murmur3 { members.append(("weak", true)) }
                return .object(members)
            })
    }
}

extension Problem {
    init(_ error: MaskError) {
        self = .invalid("/masks/\(error.index)/\(error.member)", expected: error.expected)
    }
}
