/// Says what differs between two versions of a contract, and what that breaks.
///
/// Shape is compared by the rules of the schema's language (``AvroComparison``,
/// ``JSONSchemaComparison``), privacy field by field, validations by ``ValidationComparison``. What
/// cannot be shown to be compatible counts as breaking. Names, versions, ids, messages and
/// annotations are not looked at.
package struct ContractComparison {
    /// Differences that are listed; more are one last entry that breaks everything.
    package static let changeCountMax = 1_000

    private let old: Side
    private let new: Side

    private enum Schema {
        case avro(AvroSchema)
        case jsonSchema(JSONValue)
    }

    /// One of the two, its paths resolved.
    private struct Side {
        let document: ContractDocument
        let schema: Schema
        let marking: Marking
        /// By their path without `*`.
        let fields: [String: ContractDocument.FieldRule]

        init(_ document: ContractDocument) throws(ContractError) {
            // Compiled for its errors: only contracts that could be registered are compared.
            _ = try Contract(document: document, number: 0)
            // In one form: 1 and 1.0 are the same number, and a file meets a stored document.
            let document = try ContractDocument(json: document.canonicalJSON())
            self.document = document
            switch document.schemaLanguage {
            case .avro, .simple:
                let avro = try document.avroSchema()
                schema = .avro(avro)
                marking = Marking(FieldMarker(avro))
            case .jsonSchema:
                var compiler = try JSONSchemaCompiler(document.schema)
                let program = try compiler.compileForEvents()
                schema = .jsonSchema(document.schema.value)
                marking = Marking(SchemaMarker(program.parts, root: compiler.documentRoot))
            }
            fields = Dictionary(
                document.fields.map { (ContractComparison.plain($0.path), $0) },
                uniquingKeysWith: { first, _ in first })
        }

        /// Whether an event may have a value at the path: in a JSON Schema also where no property of
        /// that name is declared, unless the event itself refuses what is not.
        func mayHave(_ path: String) -> Bool {
            if has(path) { return true }
            switch schema {
            case .avro(let schema):
                // The field may go on under another name.
                let last = path.split(separator: "/").last.map(String.init) ?? path
                return schema.nodes.contains { node in
                    node.fields.contains { $0.aliases.contains(last) }
                }
            case .jsonSchema(let root):
                return path.contains("/") || !Self.isClosed(root)
            }
        }

        private static func isClosed(_ root: JSONValue) -> Bool {
            let closing = ["additionalProperties", "unevaluatedProperties"]
            if closing.contains(where: { root[$0] == .bool(false) }) { return true }
            // What a contract makes of a schema that does not say.
            return (closing + ["patternProperties", "propertyNames"]).allSatisfy {
                root[$0] == nil
            }
        }

        /// Whether the schema has something at the path. All questions together have the bounds
        /// of one contract; beyond them, and where a path leads to no value, the answer is yes.
        private func has(_ path: String) -> Bool {
            do throws(ContractError) {
                try marking.mark(path)
                return true
            } catch {
                return error.rule != "unknown-path"
            }
        }
    }

    /// A marker that is used for all paths of a side, so that its bounds hold for them together.
    private final class Marking {
        private var avro: FieldMarker?
        private var jsonSchema: SchemaMarker?

        init(_ marker: FieldMarker) { avro = marker }
        init(_ marker: SchemaMarker) { jsonSchema = marker }

        func mark(_ path: String) throws(ContractError) {
            _ = try avro?.mark(path, for: .mention, pointer: "")
            _ = try jsonSchema?.mark(path, for: .mention, pointer: "")
        }
    }

    /// Changes of shape first, then of privacy, then of validations. Cost: some tenths of a second
    /// at the limits of contracts.
    /// - Throws: if one of them could not be registered.
    package static func compare(
        _ old: ContractDocument, _ new: ContractDocument
    ) throws(ContractError) -> [ContractChange] {
        let comparison = ContractComparison(old: try Side(old), new: try Side(new))
        let changes = comparison.shape() + comparison.privacy() + comparison.validations()
        guard changes.count > changeCountMax else { return changes }
        return changes.prefix(changeCountMax) + [
            ContractChange(
                "", "\(changes.count - changeCountMax) more changes",
                breaks: ContractChange.Break.allCases)
        ]
    }

    private func shape() -> [ContractChange] {
        let (before, after) = (old.document.schemaLanguage, new.document.schemaLanguage)
        switch (old.schema, new.schema) {
        case (.avro(let old), .avro(let new)) where before == after:
            return AvroComparison.compare(old, new)
        case (.jsonSchema(let old), .jsonSchema(let new)):
            return JSONSchemaComparison.compare(old, new)
        default:
            return [
                ContractChange(
                    "", "schema language \(before.rawValue) became \(after.rawValue)",
                    breaks: [.backward, .forward])
            ]
        }
    }

    /// A path without the steps for lists and maps.
    private static func plain(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).filter { $0 != "*" }
            .joined(separator: "/")
    }
}

// MARK: - Privacy

extension ContractComparison {
    private func privacy() -> [ContractChange] {
        var changes = roles()
        var seen: Set<String> = []
        for rule in old.document.fields + new.document.fields {
            let path = Self.plain(rule.path)
            guard seen.insert(path).inserted else { continue }
            changes += field(path, old.fields[path], new.fields[path])
        }
        return changes
    }

    private func roles() -> [ContractChange] {
        var changes: [ContractChange] = []
        let keys = (Self.plain(old.document.keyField), Self.plain(new.document.keyField))
        if keys.0 != keys.1 {
            changes.append(
                ContractChange(keys.1, "is the key field instead of \(keys.0)", breaks: [.privacy]))
        }
        let subjects = (
            old.document.dataSubjectField.map(Self.plain),
            new.document.dataSubjectField.map(Self.plain)
        )
        switch subjects {
        case (let before?, let after?) where before != after:
            changes.append(
                ContractChange(
                    after, "is the data-subject field instead of \(before)", breaks: [.privacy]))
        case (let before?, nil):
            changes.append(
                ContractChange(before, "is no longer the data-subject field", breaks: [.privacy]))
        case (nil, let after?):
            changes.append(ContractChange(after, "is the data-subject field now"))
        default: break
        }
        return changes
    }

    private func field(
        _ path: String, _ before: ContractDocument.FieldRule?,
        _ after: ContractDocument.FieldRule?
    ) -> [ContractChange] {
        var changes: [ContractChange] = []
        func add(_ change: String, _ isBreaking: Bool) {
            changes.append(ContractChange(path, change, breaks: isBreaking ? [.privacy] : []))
        }
        let wasPersonal = before?.isPersonal ?? false
        let isPersonal = after?.isPersonal ?? false
        let wasLevel = before?.level ?? 0
        let level = after?.level ?? 0
        // A field that is gone is collected no more: nothing of it is protected less.
        let isThere = new.mayHave(path)
        if wasPersonal, !isPersonal, isThere {
            add("is no longer personal data", true)
        } else if !wasPersonal, isPersonal {
            add("is personal data now, at level \(level)", false)
        } else if wasPersonal, isPersonal, level < wasLevel {
            add("level lowered from \(wasLevel) to \(level): other readers see it", true)
        } else if wasPersonal, isPersonal, level > wasLevel {
            add("level changed from \(wasLevel) to \(level): other readers see it", true)
        }
        // Sealed with the same bytes where they are the same, values show how often each occurs.
        if wasPersonal, isPersonal, let was = before?.sealing, let now = after?.sealing, was != now
        {
            add(
                "sealing changed from \(was.rawValue) to \(now.rawValue)", now == .deterministic)
        }
        let wasQuasi = before?.isQuasiId ?? false
        let isQuasi = after?.isQuasiId ?? false
        if wasQuasi, !isQuasi, isThere {
            add("is no longer marked as quasi-identifying", true)
        } else if !wasQuasi, isQuasi {
            add("is marked as quasi-identifying now", false)
        }
        return changes
    }

    private func validations() -> [ContractChange] {
        ValidationComparison.compare(
            old.document.validations, new.document.validations, isThere: new.mayHave)
    }
}
