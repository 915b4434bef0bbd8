// From references to the schemas that they name.

extension JSONSchemaIndex {
    /// The schema at a place of a document.
    func location(
        document: Int, pointer: String
    ) throws(ContractError) -> Int {
        guard let found = places["\(document) \(pointer)"] else {
            throw ContractError(
                pointer: documents[document].prefix + pointer, rule: "type",
                expected: "a schema: an object or a boolean")
        }
        return found
    }

    /// The location that a reference names, seen from another; documents that it leads to are added.
    mutating func resolve(
        _ reference: String, keyword: String, from location: Int
    ) throws(ContractError) -> Int {
        guard reference.utf8.count <= Self.uriBytesMax else {
            throw failure(location, keyword, "size", "at most \(Self.uriBytesMax) bytes")
        }
        let base = resources[locations[location].resource].uri
        let target = URIReference(reference).resolved(against: base)
        let uri = target.absoluteText
        guard let resource = try resource(uri, keyword, location) else {
            throw failure(
                location, keyword, "ref",
                "a schema of this document, or a registered one: there is no \(uri)")
        }
        let fragment = target.decodedFragment ?? ""
        if fragment.isEmpty { return resources[resource].location }
        let found =
            fragment.hasPrefix("/")
            ? try find(fragment, in: resource) : resources[resource].anchors[fragment]
        guard let found else {
            throw failure(
                location, keyword, "ref", "a schema that exists: there is none at \(reference)")
        }
        return found
    }

    private mutating func resource(
        _ uri: String, _ keyword: String, _ location: Int
    ) throws(ContractError) -> Int? {
        if let known = byURI[uri] { return known }
        guard let value = registered[uri] else { return nil }
        guard documents.count < Self.documentCountMax else {
            throw failure(
                location, keyword, "size", "at most \(Self.documentCountMax) documents")
        }
        try add(value, uri: uri, prefix: "\(uri)#")
        return byURI[uri]
    }

    /// The schema at a JSON pointer below a resource's root; it may stand where no keyword holds a
    /// schema.
    private mutating func find(
        _ fragment: String, in resource: Int
    ) throws(ContractError) -> Int? {
        let root = locations[resources[resource].location]
        if let known = places["\(root.document) \(root.pointer)\(fragment)"] { return known }
        var visit = Visit(
            document: root.document, pointer: root.pointer, resource: resource,
            dialect: root.dialect, depth: 0)
        var value = root.value
        for token in fragment.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let name = String(token.replacing("~1", with: "/").replacing("~0", with: "~"))
            switch value {
            case .object:
                guard let inner = value[name] else { return nil }
                value = inner
            case .array(let items):
                guard let number = Int(name), items.indices.contains(number) else { return nil }
                value = items[number]
            default: return nil
            }
            visit.pointer += "/\(token)"
            if let known = places["\(visit.document) \(visit.pointer)"] {
                visit.resource = locations[known].resource
                visit.dialect = locations[known].dialect
            }
        }
        switch value {
        case .object, .bool: return try self.visit(value, visit)
        default: return nil
        }
    }
}
