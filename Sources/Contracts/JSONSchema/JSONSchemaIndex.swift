/// Where the subschemas of documents stand, and under which names they are found: `$id`, `$anchor`,
/// `$dynamicAnchor`, JSON pointers.
///
/// Documents are added when a reference first leads into them. Only what stands at a keyword that
/// holds schemas is one: `$id` inside `const` or an unknown keyword is just data.
struct JSONSchemaIndex {
    struct Location {
        let document: Int
        /// RFC 6901 pointer inside the document.
        let pointer: String
        let value: JSONValue
        let resource: Int
        let dialect: JSONSchemaDialect
    }

    /// A schema with a URI of its own and what belongs to it.
    struct Resource {
        let uri: URIReference
        let location: Int
        var anchors: [String: Int] = [:]
        var dynamicAnchors: [String: Int] = [:]
    }

    struct Document {
        let uri: String
        let value: JSONValue
        /// What precedes a pointer in a complaint.
        let prefix: String
    }

    /// Where a visit is.
    struct Visit {
        let document: Int
        var pointer: String
        /// -1: at the root of a document.
        var resource: Int
        var dialect: JSONSchemaDialect
        var depth: Int
    }

    private(set) var locations: [Location] = []
    private(set) var resources: [Resource] = []
    private(set) var documents: [Document] = []
    private(set) var places: [String: Int] = [:]
    private var pointerBytes = 0
    private(set) var byURI: [String: Int] = [:]
    let registered: JSONSchemaDocuments

    /// Subschemas of all documents of one contract.
    static let locationCountMax = 8_192
    /// All pointers of subschemas together: long names are repeated in each below them.
    static let pointerBytesMax = 4 << 20
    /// Schemas within schemas in a text.
    static let depthMax = 64
    /// Documents that one schema refers to, itself included.
    static let documentCountMax = 32
    /// Schemas with a URI of their own.
    static let resourceCountMax = 128
    /// One URI or reference in bytes.
    static let uriBytesMax = 1_024
    /// The base of a document that says nothing about it.
    private static let unnamed = "strm-schema:/contract"

    /// Indexes the schema that stands at the cursor; its root is location 0.
    init(
        _ schema: DocumentCursor, documents: JSONSchemaDocuments
    ) throws(ContractError) {
        registered = documents
        try add(schema.value, uri: Self.unnamed, prefix: schema.pointer)
    }

    mutating func add(
        _ value: JSONValue, uri: String, prefix: String
    ) throws(ContractError) {
        documents.append(Document(uri: uri, value: value, prefix: prefix))
        _ = try visit(
            value,
            Visit(
                document: documents.count - 1, pointer: "", resource: -1, dialect: .draft2020,
                depth: 0))
    }

    /// A complaint about a keyword of a location, or about the location.
    func failure(
        _ location: Int, _ keyword: String?, _ rule: String, _ expected: String
    ) -> ContractError {
        let place = locations[location]
        let tail = keyword.map { "/\(JSONPointer.escape($0))" } ?? ""
        return ContractError(
            pointer: documents[place.document].prefix + place.pointer + tail, rule: rule,
            expected: expected)
    }

    private func failure(
        _ visit: Visit, _ keyword: String?, _ rule: String, _ expected: String
    ) -> ContractError {
        let tail = keyword.map { "/\(JSONPointer.escape($0))" } ?? ""
        return ContractError(
            pointer: documents[visit.document].prefix + visit.pointer + tail, rule: rule,
            expected: expected)
    }
}

// MARK: - Visiting

extension JSONSchemaIndex {
    /// Notes a schema and all below it; returns its location.
    mutating func visit(
        _ value: JSONValue, _ start: Visit
    ) throws(ContractError) -> Int {
        let key = "\(start.document) \(start.pointer)"
        if let known = places[key] { return known }
        guard start.depth <= Self.depthMax else {
            throw failure(start, nil, "depth", "at most \(Self.depthMax) schemas within schemas")
        }
        guard locations.count < Self.locationCountMax else {
            throw failure(start, nil, "size", "at most \(Self.locationCountMax) subschemas")
        }
        pointerBytes += start.pointer.utf8.count
        guard pointerBytes <= Self.pointerBytesMax else {
            // Without the pointer, which may be what is too long.
            throw ContractError(
                pointer: documents[start.document].prefix, rule: "size",
                expected: "shorter names, or fewer subschemas below them")
        }
        let made = locations.count
        places[key] = made
        var visit = start
        try enterResource(value, made, &visit)
        locations.append(
            Location(
                document: visit.document, pointer: visit.pointer, value: value,
                resource: visit.resource, dialect: visit.dialect))
        guard case .object(let members) = value else { return made }
        let isReference = visit.dialect.draft == .draft7 && value["$ref"] != nil
        if !isReference { try addAnchors(value, made, visit) }
        for member in members { try visitKeyword(member, visit) }
        return made
    }

    private mutating func visitKeyword(
        _ member: JSONValue.Member, _ visit: Visit
    ) throws(ContractError) {
        let keyword = member.name
        var inner = visit
        inner.depth += 1
        let base = "\(visit.pointer)/\(JSONPointer.escape(keyword))"
        switch member.value {
        case .array(let items) where JSONSchemaDialect.list.contains(keyword):
            for (index, item) in items.enumerated() {
                inner.pointer = "\(base)/\(index)"
                _ = try self.visit(item, inner)
            }
        case .object(let entries) where JSONSchemaDialect.map.contains(keyword):
            for entry in entries {
                if case .array = entry.value { continue }
                inner.pointer = "\(base)/\(JSONPointer.escape(entry.name))"
                _ = try self.visit(entry.value, inner)
            }
        case .object, .bool:
            guard JSONSchemaDialect.single.contains(keyword) else { return }
            inner.pointer = base
            _ = try self.visit(member.value, inner)
        default: break
        }
    }

    /// Begins a resource if the value is the root of a document or has an `$id`.
    private mutating func enterResource(
        _ value: JSONValue, _ location: Int, _ visit: inout Visit
    ) throws(ContractError) {
        let isRoot = visit.resource < 0
        let identifier = try text("$id", value, visit)
        if isRoot || identifier != nil, let name = try text("$schema", value, visit) {
            visit.dialect = try dialect(name, visit, round: 0)
        }
        var reference = identifier.map { URIReference($0) }
        if visit.dialect.draft == .draft7, value["$ref"] != nil || isOnlyFragment(identifier) {
            reference = nil
        }
        guard isRoot || reference != nil else { return }
        let base = URIReference(
            isRoot
                ? documents[visit.document].uri : resources[visit.resource].uri.absoluteText)
        let uri = (reference?.resolved(against: base) ?? base).absoluteText
        guard resources.count < Self.resourceCountMax else {
            throw failure(visit, "$id", "size", "at most \(Self.resourceCountMax) schemas with $id")
        }
        if byURI[uri] != nil, !isRoot {
            throw failure(visit, "$id", "duplicate-id", "a URI that no other schema has")
        }
        visit.resource = resources.count
        resources.append(Resource(uri: URIReference(uri), location: location))
        byURI[uri] = byURI[uri] ?? visit.resource
        if isRoot {
            let retrieval = documents[visit.document].uri
            byURI[retrieval] = byURI[retrieval] ?? visit.resource
        }
    }

    private func isOnlyFragment(_ text: String?) -> Bool {
        guard let text else { return false }
        return text.hasPrefix("#") && text.utf8.count > 1
    }

    private func text(
        _ keyword: String, _ value: JSONValue, _ visit: Visit
    ) throws(ContractError) -> String? {
        guard case .string(let text)? = value[keyword] else { return nil }
        guard text.utf8.count <= Self.uriBytesMax else {
            throw failure(visit, keyword, "size", "at most \(Self.uriBytesMax) bytes")
        }
        return text
    }

    private mutating func addAnchors(
        _ value: JSONValue, _ location: Int, _ visit: Visit
    ) throws(ContractError) {
        if visit.dialect.draft == .draft7 {
            guard let identifier = try text("$id", value, visit),
                let name = URIReference(identifier).decodedFragment, !name.isEmpty
            else { return }
            resources[visit.resource].anchors[name] = location
            return
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            guard let name = try text(keyword, value, visit) else { continue }
            if let other = resources[visit.resource].anchors[name], other != location {
                throw failure(visit, keyword, "duplicate-id", "an anchor that no other schema has")
            }
            resources[visit.resource].anchors[name] = location
            if keyword == "$dynamicAnchor" {
                resources[visit.resource].dynamicAnchors[name] = location
            }
        }
    }
}

// MARK: - Dialects

extension JSONSchemaIndex {
    static let vocabularies = "https://json-schema.org/draft/2020-12/vocab/"
    private static let vocabularyNames: Set<String> = [
        "core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation",
        "format-assertion", "content",
    ]

    /// What `$schema` names: a draft, or a registered meta-schema that says what counts.
    private func dialect(
        _ name: String, _ visit: Visit, round: Int
    ) throws(ContractError) -> JSONSchemaDialect {
        let uri = URIReference(name).absoluteText
        switch uri {
        case JSONSchemaMeta2020.uri: return .draft2020
        case JSONSchemaMeta7.uri, "https://json-schema.org/draft-07/schema": return .draft7
        default: break
        }
        guard let meta = registered[uri], round < 8 else {
            throw failure(
                visit, "$schema", "schema-dialect",
                "\(JSONSchemaMeta2020.uri), \(JSONSchemaMeta7.uri)# or a registered meta-schema")
        }
        var base = JSONSchemaDialect.draft2020
        if case .string(let parent)? = meta["$schema"], URIReference(parent).absoluteText != uri {
            base = try dialect(parent, visit, round: round + 1)
        }
        guard case .object(let members)? = meta["$vocabulary"] else { return base }
        for member in members where member.value == .bool(true) {
            guard member.name.hasPrefix(Self.vocabularies),
                Self.vocabularyNames.contains(
                    String(member.name.dropFirst(Self.vocabularies.count)))
            else {
                throw failure(
                    visit, "$schema", "schema-dialect",
                    "a meta-schema without the required vocabulary \(member.name)")
            }
        }
        base.assertsValidation = members.contains { $0.name == Self.vocabularies + "validation" }
        return base
    }
}
