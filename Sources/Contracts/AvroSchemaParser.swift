/// Reads an Avro schema (https://avro.apache.org/docs/1.12.0/specification/) from its JSON value.
///
/// Cost is linear in the text: each type is read once, references are indexes.
struct AvroSchemaParser {
    private var nodes: [AvroSchema.Node] = []
    private var fieldCount = 0
    /// Full names and aliases of the named types read so far.
    private var named: [String: Int] = [:]
    private var primitives: [AvroSchema.Kind: Int] = [:]

    /// - Throws: what is wrong and where in the contract document.
    static func parse(_ definition: DocumentCursor) throws(ContractError) -> AvroSchema {
        var parser = AvroSchemaParser()
        let root = try parser.type(definition, namespace: "", depth: 1)
        guard parser.nodes[root].kind == .record else {
            throw definition.fail("schema-root", "a record")
        }
        let schema = AvroSchema(nodes: parser.nodes, root: root)
        let isFinite = schema.hasFiniteValue()
        if let endless = isFinite.firstIndex(of: false) {
            throw definition.fail(
                "infinite-type",
                "types that can end: \(schema.nodes[endless].fullName) must contain itself")
        }
        return schema
    }

    private mutating func add(
        _ node: AvroSchema.Node, _ cursor: DocumentCursor
    ) throws(ContractError) -> Int {
        guard nodes.count < AvroSchema.nodeCountMax else {
            throw cursor.fail("size", "at most \(AvroSchema.nodeCountMax) types")
        }
        nodes.append(node)
        return nodes.count - 1
    }

    private mutating func type(
        _ cursor: DocumentCursor, namespace: String, depth: Int
    ) throws(ContractError) -> Int {
        guard depth <= AvroSchema.depthMax else {
            throw cursor.fail("depth", "at most \(AvroSchema.depthMax) types within types")
        }
        switch cursor.value {
        case .string(let name): return try reference(name, cursor, namespace)
        case .array: return try union(cursor, namespace, depth)
        case .object: return try complex(cursor, namespace, depth)
        default:
            throw cursor.fail(
                "type", "a type name, a union or an object, not \(cursor.value.kindName)")
        }
    }

    private mutating func reference(
        _ name: String, _ cursor: DocumentCursor, _ namespace: String
    ) throws(ContractError) -> Int {
        if let kind = AvroSchema.Kind(primitive: name) {
            if let known = primitives[kind] { return known }
            let index = try add(AvroSchema.Node(kind: kind), cursor)
            primitives[kind] = index
            return index
        }
        // A bare name is looked up in the enclosing namespace, then in none, as the Java library
        // does.
        let full = name.contains(".") || namespace.isEmpty ? name : "\(namespace).\(name)"
        guard let index = named[full] ?? named[name] else {
            throw cursor.fail(
                "unknown-type", "a primitive type, or a type defined before this place")
        }
        return index
    }

    private mutating func complex(
        _ cursor: DocumentCursor, _ namespace: String, _ depth: Int
    ) throws(ContractError) -> Int {
        let type = try cursor.required("type")
        guard case .string(let name) = type.value else {
            return try self.type(type, namespace: namespace, depth: depth + 1)
        }
        switch name {
        case "record", "error": return try record(cursor, namespace, depth)
        case "enum": return try enumeration(cursor, namespace)
        case "fixed": return try fixed(cursor, namespace)
        case "array":
            let item = try self.type(
                cursor.required("items"), namespace: namespace, depth: depth + 1)
            return try add(AvroSchema.Node(kind: .array, item: item), cursor)
        case "map":
            let item = try self.type(
                cursor.required("values"), namespace: namespace, depth: depth + 1)
            return try add(AvroSchema.Node(kind: .map, item: item), cursor)
        default: return try reference(name, type, namespace)
        }
    }

    private mutating func union(
        _ cursor: DocumentCursor, _ namespace: String, _ depth: Int
    ) throws(ContractError) -> Int {
        var node = AvroSchema.Node(kind: .union)
        var names: Set<String> = []
        for item in try cursor.items(countMax: AvroSchema.branchCountMax) {
            let branch = try type(item, namespace: namespace, depth: depth + 1)
            guard nodes[branch].kind != .union else {
                throw item.fail("union", "no union directly within a union")
            }
            let schema = AvroSchema(nodes: nodes, root: 0)
            guard names.insert(schema.branchName(branch)).inserted else {
                throw item.fail(
                    "union", "each type once, other than named types of different names")
            }
            node.branches.append(branch)
        }
        guard !node.branches.isEmpty else { throw cursor.fail("union", "at least one type") }
        return try add(node, cursor)
    }

    private mutating func record(
        _ cursor: DocumentCursor, _ namespace: String, _ depth: Int
    ) throws(ContractError) -> Int {
        // Entered before its fields are read: they may refer to it.
        let index = try addNamed(AvroSchema.Node(kind: .record), cursor, namespace)
        let inner = Self.namespace(of: nodes[index].fullName)
        var fields: [AvroSchema.Field] = []
        var names: Set<String> = []
        for item in try cursor.required("fields").items(
            countMax: AvroSchema.recordFieldCountMax)
        {
            guard case .object = item.value else {
                throw item.fail("type", "an object, not \(item.value.kindName)")
            }
            let nameCursor = try item.required("name")
            let name = try Self.checkedName(nameCursor)
            let aliases = try Self.aliases(item).map { cursor throws(ContractError) in
                try Self.checkedName(cursor)
            }
            for each in [name] + aliases where !names.insert(each).inserted {
                throw nameCursor.fail("duplicate-name", "field names and aliases once in a record")
            }
            let node = try type(item.required("type"), namespace: inner, depth: depth + 1)
            // A default of null is a default: look at the member itself.
            fields.append(
                AvroSchema.Field(
                    name: name, aliases: aliases, node: node, defaultValue: item.value["default"],
                    pointer: item.pointer))
        }
        fieldCount += fields.count
        guard fieldCount <= AvroSchema.fieldCountMax else {
            throw cursor.fail("size", "at most \(AvroSchema.fieldCountMax) fields")
        }
        nodes[index].fields = fields
        return index
    }

    private mutating func enumeration(
        _ cursor: DocumentCursor, _ namespace: String
    ) throws(ContractError) -> Int {
        let list = try cursor.required("symbols")
        var symbols: [String] = []
        var seen: Set<String> = []
        for item in try list.items(countMax: AvroSchema.symbolCountMax) {
            let symbol = try Self.checkedName(item)
            guard seen.insert(symbol).inserted else { throw item.fail("enum", "each symbol once") }
            symbols.append(symbol)
        }
        guard !symbols.isEmpty else { throw list.fail("enum", "at least one symbol") }
        if let fallback = cursor.member("default") {
            guard seen.contains(try fallback.string()) else {
                throw fallback.fail("default", "one of the symbols")
            }
        }
        return try addNamed(AvroSchema.Node(kind: .enum, symbols: symbols), cursor, namespace)
    }

    private mutating func fixed(
        _ cursor: DocumentCursor, _ namespace: String
    ) throws(ContractError) -> Int {
        let size = try cursor.required("size")
        let bytes = try size.integer()
        guard (1...AvroSchema.fixedBytesMax).contains(bytes) else {
            throw size.fail("fixed-size", "1...\(AvroSchema.fixedBytesMax) bytes")
        }
        return try addNamed(AvroSchema.Node(kind: .fixed, size: bytes), cursor, namespace)
    }
}

extension AvroSchemaParser {
    /// Adds a record, enum or fixed type under its full name and its aliases.
    private mutating func addNamed(
        _ node: AvroSchema.Node, _ cursor: DocumentCursor, _ enclosing: String
    ) throws(ContractError) -> Int {
        let nameCursor = try cursor.required("name")
        let name = try nameCursor.string()
        var fullName = name
        if !name.contains(".") {
            let own = try cursor.member("namespace").map { member throws(ContractError) in
                try member.string()
            }
            let namespace = own ?? enclosing
            fullName = namespace.isEmpty ? name : "\(namespace).\(name)"
        }
        try Self.checkFullName(fullName, nameCursor)
        guard AvroSchema.Kind(primitive: fullName) == nil else {
            throw nameCursor.fail("name", "a name that is not that of a primitive type")
        }
        var node = node
        node.fullName = fullName
        let namespace = Self.namespace(of: fullName)
        for alias in try Self.aliases(cursor) {
            let text = try alias.string()
            let full = text.contains(".") || namespace.isEmpty ? text : "\(namespace).\(text)"
            try Self.checkFullName(full, alias)
            node.aliases.append(full)
        }
        let index = try add(node, cursor)
        for each in [fullName] + node.aliases {
            guard named.updateValue(index, forKey: each) == nil else {
                throw nameCursor.fail("duplicate-name", "each type name and alias once")
            }
        }
        return index
    }

    private static func aliases(_ cursor: DocumentCursor) throws(ContractError) -> [DocumentCursor]
    {
        try cursor.member("aliases")?.items(countMax: 64) ?? []
    }

    private static func namespace(of fullName: String) -> String {
        guard let dot = fullName.lastIndex(of: ".") else { return "" }
        return String(fullName[..<dot])
    }

    private static func checkFullName(
        _ name: String, _ cursor: DocumentCursor
    ) throws(ContractError) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= AvroSchema.nameBytesMax, parts.allSatisfy({ isName($0.utf8) })
        else { throw nameError(cursor) }
    }

    private static func checkedName(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let name = try cursor.string()
        guard name.utf8.count <= AvroSchema.nameBytesMax, isName(name.utf8) else {
            throw nameError(cursor)
        }
        return name
    }

    private static func nameError(_ cursor: DocumentCursor) -> ContractError {
        cursor.fail(
            "name",
            "letters, digits and _, not starting with a digit, at most "
                + "\(AvroSchema.nameBytesMax) bytes")
    }

    private static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || byte == UInt8(ascii: "_")
        }
        guard let first = bytes.first, isLetter(first) else { return false }
        return bytes.allSatisfy { byte in
            isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
