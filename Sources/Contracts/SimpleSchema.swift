/// A schema in the short form that people write without knowing Avro, and its translation.
///
///     name: Newsletter sign-up            # any text
///     avro_name: NewsletterSignup         # optional; else made from the name
///     namespace: com.example              # optional
///     doc: …                              # optional, on nodes too
///     nodes:
///       - {type: STRING, name: e-mail, avro_name: email, required: true}
///       - {type: STRING, name: topics, repeated: true}
///       - type: NODE
///         name: Address
///         nodes: [{type: STRING, name: Post code}]
///
/// | type     | Avro    |      |                      | Avro                              |
/// | STRING   | string  |      | required: true       | the type itself                   |
/// | BOOLEAN  | boolean |      | else                 | ["null", type], default null      |
/// | FLOAT    | float   |      | repeated, required   | array of the type                 |
/// | INTEGER  | int     |      | repeated             | array of the type, default []     |
/// | LONG     | long    |      | NODE                 | a record of its nodes             |
///
/// Events bring a field under its `avro_name`. Where that is not given, it is the name with every
/// character but ASCII letters, digits and `_` replaced by `_`, and `_` before a leading digit;
/// records (the schema and its NODEs) then begin with an upper-case letter. A NODE's record stands in
/// a namespace that ends in the lower-case name of the record around it, so that an address here and
/// an address there are two types. `strmMeta` is added as the first field.
struct SimpleSchema {
    /// Nodes in all, and NODEs within NODEs: both within what an Avro schema may have.
    static let nodeCountMax = 5_000
    static let depthMax = 12
    /// One name in bytes; a doc in bytes.
    static let nameBytesMax = 256
    static let docBytesMax = 4_096

    private var nodeCount = 0

    /// The Avro schema in JSON.
    /// - Throws: what is wrong, and where in the author's document.
    static func translate(_ definition: DocumentCursor) throws(ContractError) -> JSONValue {
        var translation = SimpleSchema()
        try definition.checkObject(
            allowing: ["name", "avro_name", "namespace", "doc", "nodes"])
        let name = try Self.name(definition).record
        let namespace = try definition.member("namespace").map { cursor throws(ContractError) in
            try Self.namespace(cursor)
        }
        guard name != "StrmMeta" else {
            throw definition.fail("avro-name", "another name than StrmMeta, which is added")
        }
        var members = Self.head(name, namespace ?? "")
        if let doc = try Self.doc(definition) { members.append(doc) }
        let fields = try translation.fields(
            definition, within: (namespace.map { $0 + "." } ?? "") + name.lowercased(), depth: 1)
        members.append(.init(name: "fields", value: .array([Self.meta(namespace)] + fields)))
        return .object(members)
    }

    private static func head(_ name: String, _ namespace: String) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init(name: "type", value: "record"), .init(name: "name", value: .string(name)),
        ]
        if !namespace.isEmpty {
            members.append(.init(name: "namespace", value: .string(namespace)))
        }
        return members
    }

    /// - Parameter namespace: of the records that are made here.
    private mutating func fields(
        _ record: DocumentCursor, within namespace: String, depth: Int
    ) throws(ContractError) -> [JSONValue] {
        guard depth <= Self.depthMax else {
            throw record.fail("depth", "at most \(Self.depthMax) NODEs within each other")
        }
        let list = try record.required("nodes")
        // One place is taken by strmMeta.
        let nodes = try list.items(countMax: AvroSchema.recordFieldCountMax - 1)
        guard !nodes.isEmpty else { throw list.fail("count", "at least one node") }
        var fields: [JSONValue] = []
        var names: Set<String> = []
        var records: Set<String> = []
        for node in nodes {
            nodeCount += 1
            guard nodeCount <= Self.nodeCountMax else {
                throw node.fail("size", "at most \(Self.nodeCountMax) nodes")
            }
            try node.checkObject(allowing: [
                "type", "name", "avro_name", "repeated", "required", "doc", "nodes",
            ])
            let name = try Self.name(node)
            guard depth > 1 || name.field != "strmMeta" else {
                throw node.fail("avro-name", "another name than strmMeta, which is added")
            }
            guard names.insert(name.field).inserted else {
                throw Self.collision(node, name.field)
            }
            let type = try self.type(node, name.record, namespace, depth)
            if case .object = type, !records.insert(name.record).inserted {
                throw Self.collision(node, name.record)
            }
            fields.append(try Self.field(node, name.field, type))
        }
        return fields
    }

    private static func collision(_ node: DocumentCursor, _ name: String) -> ContractError {
        ContractError(
            pointer: "\(node.pointer)/\(node.member("avro_name") == nil ? "name" : "avro_name")",
            rule: "avro-name", expected: "a name that no other node beside it has in Avro (\(name))"
        )
    }

    private mutating func type(
        _ node: DocumentCursor, _ recordName: String, _ namespace: String, _ depth: Int
    ) throws(ContractError) -> JSONValue {
        let cursor = try node.required("type")
        let word = try cursor.string().uppercased()
        if word == "NODE" {
            let inner = try fields(
                node, within: "\(namespace).\(recordName.lowercased())", depth: depth + 1)
            var members = Self.head(recordName, namespace)
            members.append(.init(name: "fields", value: .array(inner)))
            return .object(members)
        }
        let name: String
        switch word {
        case "STRING": name = "string"
        case "BOOLEAN": name = "boolean"
        case "FLOAT": name = "float"
        case "INTEGER": name = "int"
        case "LONG": name = "long"
        default:
            throw cursor.fail("node-type", "one of STRING, BOOLEAN, FLOAT, INTEGER, LONG, NODE")
        }
        if let inner = node.member("nodes") {
            throw inner.fail("unknown-field", "nodes with the type NODE only")
        }
        return .string(name)
    }

    private static func field(
        _ node: DocumentCursor, _ name: String, _ type: JSONValue
    ) throws(ContractError) -> JSONValue {
        let isRequired = try flag(node, "required")
        var members: [JSONValue.Member] = [.init(name: "name", value: .string(name))]
        if let doc = try doc(node) { members.append(doc) }
        if try flag(node, "repeated") {
            let array: [JSONValue.Member] = [
                .init(name: "type", value: "array"), .init(name: "items", value: type),
            ]
            members.append(.init(name: "type", value: .object(array)))
            if !isRequired { members.append(.init(name: "default", value: .array([]))) }
        } else if isRequired {
            members.append(.init(name: "type", value: type))
        } else {
            members.append(.init(name: "type", value: .array(["null", type])))
            members.append(.init(name: "default", value: .null))
        }
        return .object(members)
    }

    private static func flag(_ node: DocumentCursor, _ name: String) throws(ContractError) -> Bool {
        guard let cursor = node.member(name) else { return false }
        return try cursor.bool()
    }

    private static func doc(_ node: DocumentCursor) throws(ContractError) -> JSONValue.Member? {
        guard let cursor = node.member("doc") else { return nil }
        let text = try cursor.string()
        guard text.utf8.count <= docBytesMax else {
            throw cursor.fail("size", "at most \(docBytesMax) bytes")
        }
        return .init(name: "doc", value: .string(text))
    }
}

// MARK: - Names

extension SimpleSchema {
    /// What a node is called in Avro as a field, and as a record if it is one.
    private static func name(
        _ node: DocumentCursor
    ) throws(ContractError) -> (field: String, record: String) {
        let cursor = try node.required("name")
        let text = try cursor.string()
        guard (1...nameBytesMax).contains(text.utf8.count) else {
            throw cursor.fail("name", "1...\(nameBytesMax) bytes")
        }
        guard let own = node.member("avro_name") else {
            let derived = derived(text)
            // A digit after the `_` in front has no upper case; the `_` stays.
            return (derived, derived.prefix(1).uppercased() + derived.dropFirst())
        }
        let name = try own.string()
        guard isAvroName(name) else {
            throw own.fail(
                "avro-name",
                "letters, digits and _, not starting with a digit, at most "
                    + "\(nameBytesMax) bytes, and not the name of a type of Avro")
        }
        return (name, name)
    }

    /// Each character (Unicode scalar) that Avro does not allow becomes one `_`.
    private static func derived(_ text: String) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isKept =
                scalar.isASCII
                && (StringFormat.isLetter(UInt8(scalar.value))
                    || StringFormat.isDigit(UInt8(scalar.value)))
            name.unicodeScalars.append(isKept ? scalar : "_")
        }
        guard let first = name.utf8.first, StringFormat.isDigit(first) else { return name }
        return "_" + name
    }

    private static func isAvroName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !StringFormat.isDigit(first),
            text.utf8.count <= nameBytesMax, AvroSchema.Kind(primitive: text) == nil
        else { return false }
        return text.utf8.allSatisfy { byte in
            StringFormat.isLetter(byte) || StringFormat.isDigit(byte) || byte == UInt8(ascii: "_")
        }
    }

    private static func namespace(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let text = try cursor.string()
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= nameBytesMax / 2, parts.allSatisfy({ isAvroName(String($0)) })
        else {
            throw cursor.fail(
                "namespace",
                "names of letters, digits and _ with points between, at most "
                    + "\(nameBytesMax / 2) bytes")
        }
        return text
    }

    /// The section that every event has (``MetaSection``).
    private static func meta(_ namespace: String?) -> JSONValue {
        func optional(_ name: String, _ type: JSONValue) -> JSONValue {
            .object([
                .init(name: "name", value: .string(name)),
                .init(name: "type", value: .array(["null", type])),
                .init(name: "default", value: .null),
            ])
        }
        let levels: [JSONValue.Member] = [
            .init(name: "type", value: "array"), .init(name: "items", value: "int"),
        ]
        let fields: [JSONValue] = [
            .object([
                .init(name: "name", value: "eventContractRef"),
                .init(name: "type", value: "string"),
            ]),
            optional("nonce", "int"), optional("timestamp", "long"),
            optional("keyLink", "string"), optional("billingId", "string"),
            .object([
                .init(name: "name", value: "consentLevels"),
                .init(name: "type", value: .object(levels)),
            ]),
        ]
        let record =
            head("StrmMeta", namespace ?? "") + [.init(name: "fields", value: .array(fields))]
        return .object([
            .init(name: "name", value: "strmMeta"), .init(name: "type", value: .object(record)),
        ])
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
