// Keywords of lists and objects.

extension JSONSchemaCompiler {
    mutating func addArrays(_ source: Source, _ groups: inout Groups) throws(ContractError) {
        try addItems(source, &groups)
        for (keyword, code) in [
            ("minItems", JSONSchemaProgram.Code.minItems), ("maxItems", .maxItems),
        ] {
            guard let number = count(source[keyword]) else { continue }
            groups.array.append(.init(code: code, a: number))
        }
        if source["uniqueItems"] == .bool(true) { groups.array.append(.init(code: .uniqueItems)) }
        if let node = try single(source, "contains") {
            groups.array.append(
                .init(
                    code: .contains, a: node, b: count(source["minContains"]) ?? 1,
                    c: count(source["maxContains"]) ?? .max))
        }
    }

    private mutating func addItems(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        var prefix: [UInt32] = []
        var rest: UInt32?
        if source.dialect.draft == .draft7, case .array? = source["items"] {
            prefix = try list(source, "items")
            rest = try single(source, "additionalItems")
        } else {
            prefix = try list(source, "prefixItems")
            rest = try single(source, "items")
        }
        guard !prefix.isEmpty || rest != nil else { return }
        groups.array.append(
            .init(
                code: .items, a: UInt32(parts.children.count), b: UInt32(prefix.count),
                c: rest.map { $0 + 1 } ?? 0))
        parts.children += prefix
    }

    mutating func addObjects(_ source: Source, _ groups: inout Groups) throws(ContractError) {
        try addMembers(source, &groups)
        if let node = try single(source, "propertyNames") {
            groups.object.append(.init(code: .propertyNames, a: node))
        }
        for (keyword, code) in [
            ("minProperties", JSONSchemaProgram.Code.minProperties),
            ("maxProperties", .maxProperties),
        ] {
            guard let number = count(source[keyword]) else { continue }
            groups.object.append(.init(code: code, a: number))
        }
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            try addDependencies(source, keyword, &groups)
        }
    }

    private mutating func addDependencies(
        _ source: Source, _ keyword: String, _ groups: inout Groups
    ) throws(ContractError) {
        for entry in try entries(source, keyword) {
            let asking = UInt32(parts.names.count)
            parts.names.append(addName(entry.name))
            if case .array(let names) = entry.value {
                let asked = names.compactMap(Self.string)
                groups.object.append(
                    .init(
                        code: .dependentRequired, a: asking, b: UInt32(parts.names.count),
                        c: UInt32(asked.count)))
                for name in asked { parts.names.append(addName(name)) }
            } else if keyword != "dependentRequired" {
                let tail = "\(keyword)/\(JSONPointer.escape(entry.name))"
                groups.apply.append(
                    .init(
                        code: .dependentSchema, a: asking,
                        b: UInt32(try node(below: source.location, tail))))
            }
        }
    }

    private static func string(_ value: JSONValue) -> String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    /// The members of a keyword's object.
    private func entries(
        _ source: Source, _ keyword: String
    ) throws(ContractError) -> [JSONValue.Member] {
        guard case .object(let entries)? = source[keyword] else { return [] }
        guard entries.count <= Self.entryCountMax else {
            throw index.failure(
                source.location, keyword, "size", "at most \(Self.entryCountMax) names")
        }
        return entries
    }

    private mutating func addMembers(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        var members: [(name: String, node: UInt32)] = []
        for entry in try entries(source, "properties") {
            let tail = "properties/\(JSONPointer.escape(entry.name))"
            members.append((entry.name, UInt32(try node(below: source.location, tail)) + 1))
        }
        var required: [String] = []
        if case .array(let names)? = source["required"] {
            guard names.count <= Self.entryCountMax else {
                throw index.failure(
                    source.location, "required", "size", "at most \(Self.entryCountMax) names")
            }
            required = names.compactMap(Self.string)
        }
        var object = JSONSchemaProgram.Object()
        try addPatternProperties(source, &object)
        if let node = try single(source, "additionalProperties") { object.additional = node + 1 }
        guard
            !members.isEmpty || !required.isEmpty || object.patternCount > 0
                || object.additional != 0
        else { return }
        // By bytes, as events are compared: Strings take two spellings of a character for one.
        var known = Set(members.map { Array($0.name.utf8) })
        for name in required where known.insert(Array(name.utf8)).inserted {
            members.append((name, 0))
        }
        groups.object.append(.init(code: .members, a: UInt32(parts.objects.count)))
        addObject(&object, members, required: required)
    }

    private mutating func addPatternProperties(
        _ source: Source, _ object: inout JSONSchemaProgram.Object
    ) throws(ContractError) {
        var found: [(pattern: Int, node: UInt32)] = []
        for entry in try entries(source, "patternProperties") {
            let tail = "patternProperties/\(JSONPointer.escape(entry.name))"
            let pattern = try addPattern(entry.name, source.location, "patternProperties")
            found.append((pattern, UInt32(try node(below: source.location, tail))))
        }
        object.patternNodes = UInt32(parts.children.count)
        object.patternCount = UInt32(found.count)
        // The nodes, then the numbers of their patterns.
        parts.children += found.map(\.node)
        object.patternFirst = UInt32(parts.children.count)
        parts.children += found.map { UInt32($0.pattern) }
    }

    /// Adds members, their hash table, and the object that they belong to.
    mutating func addObject(
        _ object: inout JSONSchemaProgram.Object, _ members: [(name: String, node: UInt32)],
        required: [String]
    ) {
        let filled: Set = ["nonce", "timestamp", "keyLink", "billingId"]
        var numbers: [[UInt8]: UInt32] = [:]
        for name in required.map({ Array($0.utf8) }) where numbers[name] == nil {
            numbers[name] = UInt32(numbers.count + 1)
        }
        object.first = UInt32(parts.members.count)
        object.count = UInt32(members.count)
        object.requiredCount = UInt32(numbers.count)
        for (name, node) in members {
            parts.members.append(
                .init(
                    name: addName(name), node: node, required: numbers[Array(name.utf8)] ?? 0,
                    isFilled: filled.contains(name)))
        }
        var size = 2
        while size < 2 * members.count { size *= 2 }
        var slots = [UInt16](repeating: 0, count: size)
        for (at, member) in members.enumerated() {
            let hash = Array(member.name.utf8).withUnsafeBytes { ByteText.hash($0, seed: 0) }
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt16(at + 1)
        }
        object.table = UInt32(parts.slots.count)
        object.tableMask = UInt32(size - 1)
        parts.slots += slots
        parts.objects.append(object)
        count(members.count)
    }
}
