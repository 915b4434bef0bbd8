/// The section `strmMeta` that every event schema has: six fields of fixed names and types, in any
/// order.
///
///     eventContractRef  string                         set by the sender
///     nonce             int or long, may be optional   set by the server
///     timestamp         long, may be optional          set by the server
///     keyLink           string, may be optional        set by the server
///     billingId         string, may be optional        set by the server
///     consentLevels     array of int or long           set by the sender
enum MetaSection {
    private static let types: [(name: String, role: DecodingPlan.Role, expected: String)] = [
        ("eventContractRef", .eventContractRef, "string"),
        ("nonce", .nonce, "int, long or one of them optional"),
        ("timestamp", .timestamp, "long or optional long"),
        ("keyLink", .keyLink, "string or optional string"),
        ("billingId", .billingId, "string or optional string"),
        ("consentLevels", .consentLevels, "array of int"),
    ]

    static func role(_ name: String) -> DecodingPlan.Role {
        types.first { $0.name == name }?.role ?? .none
    }

    /// - Throws: at the schema's definition, if the section is missing or not as above.
    static func check(
        _ schema: AvroSchema, _ definition: DocumentCursor
    ) throws(ContractError) {
        guard let index = schema.nodes.firstIndex(where: \.isMeta) else {
            throw definition.fail(
                "strm-meta",
                "a field strmMeta of type record with "
                    + types.map(\.name).joined(separator: ", "))
        }
        let fields = schema.nodes[index].fields
        for type in types {
            guard let field = fields.first(where: { $0.name == type.name }) else {
                throw definition.fail("strm-meta", "the field strmMeta/\(type.name)")
            }
            guard isFitting(schema, field.node, type.role), field.aliases.isEmpty else {
                throw ContractError(
                    pointer: field.pointer, rule: "strm-meta",
                    expected: "strmMeta/\(type.name) of type \(type.expected)")
            }
        }
        for field in fields where role(field.name) == .none {
            throw ContractError(
                pointer: field.pointer, rule: "strm-meta",
                expected: "only \(types.map(\.name).joined(separator: ", ")) in strmMeta")
        }
    }

    private static func isFitting(
        _ schema: AvroSchema, _ index: Int, _ role: DecodingPlan.Role
    ) -> Bool {
        let node = schema.nodes[index]
        switch role {
        case .eventContractRef: return node.kind == .string
        case .consentLevels:
            let item = schema.nodes[node.item].kind
            return node.kind == .array && (item == .int || item == .long)
        default: break
        }
        var kinds = [node.kind]
        if node.kind == .union {
            kinds = node.branches.map { schema.nodes[$0].kind }.filter { $0 != .null }
            guard node.branches.count == 2, kinds.count == 1 else { return false }
        }
        switch role {
        case .nonce: return kinds == [.int] || kinds == [.long]
        case .timestamp: return kinds == [.long]
        default: return kinds == [.string]
        }
    }
}
