/// An event whose personal fields are marked, of the contract that `strm prove` makes.
struct ProofEvent {
    var contract: String
    var levels: [Int64]
    var session: String
    var email: String
    var note: String
    var tags: [String]
    /// Not personal: it is stored as it is.
    var remark: String
    var number: Int64 = 1

    var json: JSONValue {
        .object([
            "strmMeta": .object([
                "eventContractRef": .string(contract),
                "consentLevels": .array(levels.map { .integer($0) }),
            ]),
            "session": .string(session), "email": .string(email), "note": .string(note),
            "tags": .array(tags.map { .string($0) }), "remark": .string(remark),
            "number": .integer(number),
        ])
    }

    /// The same under the contract in JSON Schema: values deeper, and in a map.
    func schemaLine(_ contract: String) -> [UInt8] {
        let event = JSONValue.object([
            "strmMeta": .object([
                "eventContractRef": .string(contract),
                "consentLevels": .array(levels.map { .integer($0) }),
            ]),
            "session": .string(session), "remark": .string(remark),
            "person": .object(["email": .string(email), "note": .string(note)]),
            "answers": .object(
                Dictionary(
                    tags.enumerated().map { ("answer\($0.offset)", JSONValue.string($0.element)) }
                ) { $1 }),
        ])
        return Array(event.text(pretty: false).utf8)
    }

    /// One line, as it is sent.
    var line: [UInt8] { Array(json.text(pretty: false).utf8) }

    /// The schema's binary form: https://avro.apache.org/docs/1.11.1/specification/
    var avro: [UInt8] {
        var bytes = Self.text(contract)
        // nonce, timestamp, keyLink and billingId: the first branch of each union is null.
        bytes += [0, 0, 0, 0]
        bytes += Self.list(levels.map(Self.number))
        for value in [session, email, note] { bytes += Self.text(value) }
        bytes += Self.list(tags.map(Self.text))
        return bytes + Self.text(remark) + Self.number(number)
    }

    private static func list(_ items: [[UInt8]]) -> [UInt8] {
        guard !items.isEmpty else { return [0] }
        return number(Int64(items.count)) + items.flatMap { $0 } + [0]
    }

    private static func text(_ text: String) -> [UInt8] {
        number(Int64(text.utf8.count)) + Array(text.utf8)
    }

    /// Zigzag, seven bits a byte, the lowest first.
    private static func number(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        var bytes: [UInt8] = []
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

/// A contract of those events. Its name holds the levels, so that it is made once for an
/// installation and not for each run: an active contract can be archived, not deleted.
struct ProofContract {
    let ref: String
    let document: JSONValue

    /// For events in JSON and in Avro's binary form.
    static func avro(_ levels: (Int64, Int64)) -> ProofContract {
        func field(_ name: String, _ type: JSONValue) -> JSONValue {
            .object(["name": .string(name), "type": type])
        }
        func optional(_ name: String, _ type: String) -> JSONValue {
            field(name, .array(["null", .string(type)])).merging(.object(["default": .null]))
        }
        func list(_ items: String) -> JSONValue {
            .object(["type": "array", "items": .string(items)])
        }
        let meta: JSONValue = .object([
            "type": "record", "name": "StrmMeta",
            "fields": .array([
                field("eventContractRef", "string"), optional("nonce", "int"),
                optional("timestamp", "long"), optional("keyLink", "string"),
                optional("billingId", "string"), field("consentLevels", list("int")),
            ]),
        ])
        return ProofContract(
            "events", levels, keyField: "session", subject: "email",
            personal: [
                ("session", levels.0, "deterministic"), ("email", levels.0, "deterministic"),
                ("note", levels.1, "random"), ("tags", levels.1, "deterministic"),
            ], schemaType: "avro",
            definition: .object([
                "type": "record", "name": "ProofEvent",
                "fields": .array([
                    field("strmMeta", meta), field("session", "string"), field("email", "string"),
                    field("note", "string"), field("tags", list("string")),
                    field("remark", "string"), field("number", "long"),
                ]),
            ]))
    }

    /// For events of a JSON Schema, whose personal values stand in objects, lists and maps.
    static func jsonSchema(_ levels: (Int64, Int64)) -> ProofContract {
        let text: JSONValue = .object(["type": "string"])
        return ProofContract(
            "people", levels, keyField: "session", subject: "person/email",
            personal: [
                ("session", levels.0, "deterministic"), ("person/email", levels.0, "deterministic"),
                ("person/note", levels.1, "random"), ("answers", levels.1, "deterministic"),
            ], schemaType: "JSON_SCHEMA",
            definition: .object([
                "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "required": .array(["session", "person"]),
                "properties": .object([
                    "session": text, "remark": text,
                    "person": .object([
                        "type": "object", "required": .array(["email"]),
                        "properties": .object(["email": text, "note": text]),
                    ]),
                    "answers": .object(["type": "object", "additionalProperties": text]),
                ]),
            ]))
    }

    private init(
        _ kind: String, _ levels: (Int64, Int64), keyField: String, subject: String,
        personal: [(field: String, level: Int64, sealing: String)], schemaType: String,
        definition: JSONValue
    ) {
        let name = "\(kind)-\(levels.0)-\(levels.1)"
        ref = "strm-prove/\(name)/1.0.0"
        let reference: JSONValue = .object([
            "handle": "strm-prove", "name": .string(name), "version": "1.0.0",
        ])
        let fields = personal.map { field, level, sealing in
            JSONValue.object([
                "fieldName": .string(field),
                "personalDataConfig": .object([
                    "isPii": .boolean(true), "isQuasiId": .boolean(false),
                    "purposeLevel": .integer(level), "sealing": .string(sealing),
                ]),
            ])
        }
        document = .object([
            "ref": reference, "keyField": .string(keyField), "dataSubjectField": .string(subject),
            "fieldMetadata": .array(fields),
            "validations": .array([
                .object([
                    "field": .string(subject), "type": "regex", "value": "^.+@example[.]com$",
                ])
            ]),
            "schema": .object([
                "ref": reference.merging(.object(["schemaType": .string(schemaType)])),
                "definition": definition,
            ]),
        ])
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
