/// The two sides of a comparison as a client sends them: `{"old": …, "new": …}`, each a reference
/// (`"handle/name/version"`) or a whole document.
package struct ContractPair: Sendable {
    package enum Side: Sendable {
        case ref(ContractRef)
        case document(ContractDocument)
    }

    package let old: Side
    package let new: Side

    /// - Throws: what is wrong and where in the text.
    package init(json bytes: [UInt8]) throws(ContractError) {
        guard bytes.count <= 2 * ContractDocument.bytesMax else {
            throw ContractError(
                pointer: "", rule: "size",
                expected: "at most \(2 * ContractDocument.bytesMax) bytes")
        }
        let root = DocumentCursor(value: try JSONValue.parse(bytes, pointer: ""), pointer: "")
        try root.checkObject(allowing: ["old", "new"])
        old = try Self.side(try root.required("old"))
        new = try Self.side(try root.required("new"))
    }

    private static func side(_ cursor: DocumentCursor) throws(ContractError) -> Side {
        guard case .string(let text) = cursor.value else {
            return .document(try ContractDocument(cursor.value, pointer: cursor.pointer))
        }
        guard let ref = ContractRef(text) else {
            throw cursor.fail("ref", "handle/name/version, or a contract document")
        }
        return .ref(ref)
    }
}
