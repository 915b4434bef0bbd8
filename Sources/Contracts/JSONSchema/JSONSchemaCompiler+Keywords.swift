// From keywords to operations.

extension JSONSchemaCompiler {
    /// The operations of one schema by group.
    struct Groups {
        var constants: [JSONSchemaProgram.Operation] = []
        var number: [JSONSchemaProgram.Operation] = []
        var string: [JSONSchemaProgram.Operation] = []
        var array: [JSONSchemaProgram.Operation] = []
        var object: [JSONSchemaProgram.Operation] = []
        var apply: [JSONSchemaProgram.Operation] = []
        /// Last of all: they ask what the others have evaluated.
        var late: [JSONSchemaProgram.Operation] = []
    }

    /// A schema on its way into the tables.
    struct Source {
        let location: Int
        let value: JSONValue
        let dialect: JSONSchemaDialect

        /// The value of a keyword that means something in the schema's dialect.
        subscript(keyword: String) -> JSONValue? {
            dialect.has(keyword) ? value[keyword] : nil
        }
    }

    /// Fills the node's tables.
    mutating func fill(_ node: Int) throws(ContractError) {
        let place = index.locations[locations[node]]
        let source = Source(
            location: locations[node], value: place.value, dialect: place.dialect)
        count(1)
        guard case .object(let members) = source.value else {
            parts.nodes[node].isFalse = source.value == .bool(false)
            return
        }
        count(members.count)
        guard members.count <= Self.keywordCountMax else {
            throw index.failure(
                source.location, nil, "size", "at most \(Self.keywordCountMax) keywords")
        }
        var groups = Groups()
        if source.dialect.draft == .draft7, source.value["$ref"] != nil {
            // In draft-07 a reference hides its siblings.
            try addReferences(source, &groups)
        } else {
            parts.nodes[node].types = types(source["type"])
            try addConstants(source, &groups)
            addNumbers(source, &groups)
            try addStrings(source, &groups)
            try addArrays(source, &groups)
            try addObjects(source, &groups)
            try addReferences(source, &groups)
            try addApplicators(source, &groups)
            try addUnevaluated(source, &groups)
        }
        put(groups, node)
    }

    private mutating func put(_ groups: Groups, _ node: Int) {
        parts.nodes[node].first = UInt32(parts.operations.count)
        var end = 0
        func add(_ list: [JSONSchemaProgram.Operation], _ parts: inout JSONSchemaProgram.Parts)
            -> UInt16
        {
            parts.operations += list
            end += list.count
            return UInt16(end)
        }
        parts.nodes[node].numberAt = add(groups.constants, &parts)
        parts.nodes[node].stringAt = add(groups.number, &parts)
        parts.nodes[node].arrayAt = add(groups.string, &parts)
        parts.nodes[node].objectAt = add(groups.array, &parts)
        parts.nodes[node].applyAt = add(groups.object, &parts)
        parts.nodes[node].end = add(groups.apply + groups.late, &parts)
        parts.nodes[node].isTracking = !groups.late.isEmpty
        count(end)
    }

    private func types(_ value: JSONValue?) -> UInt8 {
        switch value {
        case .string(let name)?: return Self.bit(name)
        case .array(let names)?:
            return names.reduce(0) { mask, name in
                guard case .string(let name) = name else { return mask }
                return mask | Self.bit(name)
            }
        default: return JSONSchemaProgram.Types.all
        }
    }

    private static func bit(_ name: String) -> UInt8 {
        switch name {
        case "null": JSONSchemaProgram.Types.null
        case "boolean": JSONSchemaProgram.Types.boolean
        case "object": JSONSchemaProgram.Types.object
        case "array": JSONSchemaProgram.Types.array
        case "number": JSONSchemaProgram.Types.number
        case "integer": JSONSchemaProgram.Types.integer
        case "string": JSONSchemaProgram.Types.string
        default: 0
        }
    }

    private mutating func addConstants(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        if case .array(let values)? = source["enum"] {
            guard values.count <= Self.enumCountMax else {
                throw index.failure(
                    source.location, "enum", "size", "at most \(Self.enumCountMax) values")
            }
            let first = parts.constants.count
            for value in values { addConstant(value) }
            groups.constants.append(
                .init(code: .enum, a: UInt32(first), b: UInt32(values.count)))
        }
        if let value = source["const"] {
            groups.constants.append(.init(code: .const, a: UInt32(parts.constants.count), b: 1))
            addConstant(value)
        }
    }

    private mutating func addConstant(_ value: JSONValue) {
        // Type and hash follow when the tape is complete.
        let at = parts.constantTape.append(value)
        parts.constants.append(.init(index: UInt32(at), type: 0, hash: 0))
    }

    private mutating func addNumbers(_ source: Source, _ groups: inout Groups) {
        let codes: [(String, JSONSchemaProgram.Code)] = [
            ("minimum", .minimum), ("maximum", .maximum), ("exclusiveMinimum", .exclusiveMinimum),
            ("exclusiveMaximum", .exclusiveMaximum), ("multipleOf", .multipleOf),
        ]
        for (keyword, code) in codes {
            guard let number = source[keyword].flatMap({ JSONNumber($0) }) else { continue }
            groups.number.append(.init(code: code, a: UInt32(parts.numbers.count)))
            parts.numbers.append(number)
            parts.divisors.append(number.decimal)
        }
    }

    private mutating func addStrings(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        if let least = count(source["minLength"]) {
            groups.string.append(.init(code: .minLength, a: least))
        }
        if let most = count(source["maxLength"]) {
            groups.string.append(.init(code: .maxLength, a: most))
        }
        if case .string(let pattern)? = source["pattern"] {
            let number = try addPattern(pattern, source.location, "pattern")
            groups.string.append(.init(code: .pattern, a: UInt32(number)))
        }
        if options.assertsFormats, case .string(let name)? = source["format"],
            let format = StringFormat(name: name)
        {
            groups.string.append(.init(code: .format, a: UInt32(format.rawValue)))
        }
    }

    /// A count as the meta-schema allows it: a whole number, also written 2.0. What is larger than
    /// any event is cut.
    func count(_ value: JSONValue?) -> UInt32? {
        switch value {
        case .integer(let number)?: UInt32(clamping: number)
        case .unsigned?: UInt32.max
        case .double(let number)? where number >= 0:
            number < 4e9 ? UInt32(number) : UInt32.max
        default: nil
        }
    }

    private mutating func addReferences(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        if case .string(let text)? = source["$ref"] {
            let target = try index.resolve(text, keyword: "$ref", from: source.location)
            groups.apply.append(.init(code: .apply, a: UInt32(try node(at: target))))
        }
        guard case .string(let text)? = source["$dynamicRef"] else { return }
        let target = try index.resolve(text, keyword: "$dynamicRef", from: source.location)
        let fallback = UInt32(try node(at: target))
        // Dynamic only if the plain target is a dynamic anchor of that very name.
        let resource = index.resources[index.locations[target].resource]
        guard let name = URIReference(text).decodedFragment,
            resource.dynamicAnchors[name] == target
        else {
            groups.apply.append(.init(code: .apply, a: fallback))
            return
        }
        let anchor = try addAnchor(name, source.location)
        try addDynamicTargets(name)
        groups.apply.append(.init(code: .dynamicReference, a: fallback, b: UInt32(anchor + 1)))
    }

    private mutating func addApplicators(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        for node in try list(source, "allOf") {
            groups.apply.append(.init(code: .apply, a: node))
        }
        for (keyword, code) in [("anyOf", JSONSchemaProgram.Code.anyOf), ("oneOf", .oneOf)] {
            guard source[keyword] != nil else { continue }
            let nodes = try list(source, keyword)
            groups.apply.append(
                .init(
                    code: code, a: UInt32(parts.children.count), b: UInt32(nodes.count)))
            parts.children += nodes
        }
        if let node = try single(source, "not") {
            groups.apply.append(.init(code: .not, a: node))
        }
        if let node = try single(source, "if") {
            let then = try single(source, "then").map { $0 + 1 } ?? 0
            let otherwise = try single(source, "else").map { $0 + 1 } ?? 0
            // The condition alone matters to what is evaluated.
            groups.apply.append(.init(code: .condition, a: node, b: then, c: otherwise))
        }
    }

    private mutating func addUnevaluated(
        _ source: Source, _ groups: inout Groups
    ) throws(ContractError) {
        if let node = try single(source, "unevaluatedItems") {
            groups.late.append(.init(code: .unevaluatedItems, a: node))
        }
        if let node = try single(source, "unevaluatedProperties") {
            groups.late.append(.init(code: .unevaluatedProperties, a: node))
        }
    }

    /// The node of a keyword's schema; nil: the keyword is absent.
    mutating func single(
        _ source: Source, _ keyword: String
    ) throws(ContractError) -> UInt32? {
        guard source[keyword] != nil else { return nil }
        return UInt32(try node(below: source.location, keyword))
    }

    /// The nodes of a keyword's list of schemas.
    mutating func list(
        _ source: Source, _ keyword: String
    ) throws(ContractError) -> [UInt32] {
        guard case .array(let items)? = source[keyword] else { return [] }
        guard items.count <= Self.entryCountMax else {
            throw index.failure(
                source.location, keyword, "size", "at most \(Self.entryCountMax) schemas")
        }
        var nodes: [UInt32] = []
        for at in items.indices {
            nodes.append(UInt32(try node(below: source.location, "\(keyword)/\(at)")))
        }
        return nodes
    }
}
