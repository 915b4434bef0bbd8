/// Puts a contract's rules on the places that its paths name in a JSON Schema.
///
/// A step of a path names a property that some schema applied at that place declares, or one that a
/// pattern of `patternProperties` matches. Lists are passed over, and so are objects used as maps
/// (`additionalProperties`, `patternProperties`, `unevaluatedProperties`), whose values have no
/// names of their own; both may also be named by `*`. What the paths come to is a trie that the walk
/// over an event follows (``EventWalk/walkPlaces(_:)``). In a schema that refers to itself a path
/// names one level.
struct SchemaMarker: PlaceMarker {
    /// A place of the trie.
    struct Place {
        /// Index into `rules`; nil: none.
        var rules: Int?
        /// Places of members by name.
        var names: [String: Int] = [:]
        /// The place of all other members.
        var others: Int?

        var isEmpty: Bool { rules == nil && names.isEmpty && others == nil }
    }

    private let parts: JSONSchemaProgram.Parts
    private let root: Int
    private var masks: TypeMasks
    private(set) var rules: [FieldMarker.Rules] = []
    /// Place 0 stands for none, place 1 is the event.
    private(set) var places = [Place(), Place()]
    /// Schemas looked at, for all paths together.
    private var steps = 0

    static let placeCountMax = 20_000
    static let stepsMax = 500_000

    init(_ parts: JSONSchemaProgram.Parts, root: Int) {
        self.parts = parts
        self.root = root
        masks = TypeMasks(parts)
    }

    private struct Walk {
        let steps: [String]
        let use: FieldMarker.Use
        let pointer: String
        var index = 0
        var isRepeated = false
        /// Nodes that were entered before this or another step of the path.
        var seen: Set<Int> = []

        var step: String? { index < steps.count ? steps[index] : nil }

        var advanced: Walk {
            var next = self
            next.index += 1
            next.seen = []
            return next
        }

        func fail(_ rule: String, _ expected: String) -> ContractError {
            ContractError(pointer: pointer, rule: rule, expected: expected)
        }

        /// The walk inside a list or a map.
        var repeated: Walk {
            var next = self
            next.isRepeated = true
            return next
        }

        /// - Throws: inside a list or map, if the use is for one value of an event.
        func checkRepeatable() throws(ContractError) {
            guard isRepeated else { return }
            switch use {
            case .key: throw fail("path-type", "a key field outside lists and maps")
            case .subject: throw fail("path-type", "a data-subject field outside lists and maps")
            case .requirement, .presence, .condition:
                throw fail("path-type", "a field outside lists and maps")
            case .pii, .check, .mention: break
            }
        }
    }

    @discardableResult
    mutating func mark(
        _ path: String, for use: FieldMarker.Use, pointer: String
    ) throws(ContractError) -> String {
        let steps = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let walk = Walk(steps: steps, use: use, pointer: pointer)
        guard steps.first != "strmMeta" else {
            throw walk.fail("path", "a field outside strmMeta")
        }
        guard try descend([root], 1, walk) else {
            throw walk.fail(
                "unknown-path", "a path of the schema: there is no field \(path)")
        }
        return steps.filter { $0 != "*" }.joined(separator: "/")
    }

    /// From schemas that are applied at a place; false: the path leads nowhere from here.
    private mutating func descend(
        _ entries: [Int], _ place: Int, _ walk: Walk
    ) throws(ContractError) -> Bool {
        var walk = walk
        let entries = entries.filter { walk.seen.insert($0).inserted }
        guard !entries.isEmpty else { return false }
        let nodes = parts.closure(entries)
        steps += nodes.count
        guard steps <= Self.stepsMax else {
            throw walk.fail("size", "fewer paths, or a smaller schema")
        }
        guard let step = walk.step else { return try end(entries, place, walk) }
        var isFound = false
        let named = step == "*" ? [] : declared(step, nodes)
        if !named.isEmpty {
            let child = try child(place, step, walk)
            if try descend(named, child, walk.advanced) { isFound = true }
        }
        let next = step == "*" ? walk.advanced : walk
        let items = items(nodes)
        if !items.isEmpty, try descend(items, place, next.repeated) { isFound = true }
        let members = members(nodes)
        if named.isEmpty, !members.isEmpty {
            if try descend(members, ofOthersAt: place, next.repeated) { isFound = true }
        }
        return isFound
    }

    /// At the end of a path every schema there has to fit the use, or lead on to ones that do.
    private mutating func end(
        _ entries: [Int], _ place: Int, _ walk: Walk
    ) throws(ContractError) -> Bool {
        var isFound = false
        for entry in entries {
            let mask = masks[entry]
            guard mask & ~JSONSchemaProgram.Types.null != 0 else { continue }
            let nodes = parts.closure([entry])
            let hasScalars = mask & Self.scalars != 0
            if hasScalars {
                try apply(place, mask, walk)
                if let at = places[place].rules, listsValues(nodes) {
                    rules[at].isEnumeration = true
                }
                isFound = true
            }
            let items = mask & JSONSchemaProgram.Types.array == 0 ? [] : items(nodes)
            if !items.isEmpty, try descend(items, place, walk.repeated) { isFound = true }
            guard mask & JSONSchemaProgram.Types.object != 0 else { continue }
            let members = members(nodes)
            guard !members.isEmpty || hasScalars else {
                throw walk.fail("path-type", "a path to a value, not to an object")
            }
            if try descend(members, ofOthersAt: place, walk.repeated) { isFound = true }
        }
        return isFound
    }

    /// Into the values of a map. A place that leads nowhere is taken back.
    private mutating func descend(
        _ members: [Int], ofOthersAt place: Int, _ walk: Walk
    ) throws(ContractError) -> Bool {
        guard !members.isEmpty else { return false }
        let others = try others(place, walk)
        if try descend(members, others, walk) { return true }
        if places[others].isEmpty { places[place].others = nil }
        return false
    }

    private static let scalars =
        JSONSchemaProgram.Types.string | JSONSchemaProgram.Types.number
        | JSONSchemaProgram.Types.boolean
}

// MARK: - What schemas say about a place

extension SchemaMarker {
    /// Schemas of the properties of that name: declared ones, and those whose pattern matches.
    private func declared(_ name: String, _ nodes: [Int]) -> [Int] {
        let bytes = Array(name.utf8)
        return objects(nodes).flatMap { object in
            let first = Int(object.first)
            let members = parts.members[first..<(first + Int(object.count))].filter {
                $0.node != 0 && $0.name.count == bytes.count && parts.string($0.name) == name
            }
            let patterns = (0..<Int(object.patternCount)).filter { at in
                let pattern = Int(parts.children[Int(object.patternFirst) + at])
                return bytes.withUnsafeBytes { parts.patterns[pattern].matchesPart($0) }
            }
            return members.map { Int($0.node) - 1 }
                + patterns.map { Int(parts.children[Int(object.patternNodes) + $0]) }
        }
    }

    private func listsValues(_ nodes: [Int]) -> Bool {
        nodes.contains { node in
            parts.operations(of: node).contains { $0.code == .enum || $0.code == .const }
        }
    }

    private func objects(_ nodes: [Int]) -> [JSONSchemaProgram.Object] {
        nodes.flatMap { node in
            parts.operations(of: node).filter { $0.code == .members }.map {
                parts.objects[Int($0.a)]
            }
        }
    }

    private func items(_ nodes: [Int]) -> [Int] {
        nodes.flatMap { node in
            parts.operations(of: node).flatMap { operation -> [Int] in
                let a = Int(operation.a)
                switch operation.code {
                case .items:
                    let prefix = parts.children[a..<(a + Int(operation.b))].map { Int($0) }
                    return operation.c == 0 ? prefix : prefix + [Int(operation.c) - 1]
                case .contains, .unevaluatedItems: return [a]
                default: return []
                }
            }
        }.filter { !parts.nodes[$0].isFalse }
    }

    /// Schemas of the members of an object that is used as a map, declared ones among them: none if
    /// it is no map.
    private func members(_ nodes: [Int]) -> [Int] {
        var unnamed: [Int] = []
        var named: [Int] = []
        for object in objects(nodes) {
            let patterns = Int(object.patternNodes)
            unnamed += parts.children[patterns..<(patterns + Int(object.patternCount))].map {
                Int($0)
            }
            if object.additional != 0 { unnamed.append(Int(object.additional) - 1) }
            let first = Int(object.first)
            named += parts.members[first..<(first + Int(object.count))].filter { $0.node != 0 }
                .map { Int($0.node) - 1 }
        }
        for node in nodes {
            for operation in parts.operations(of: node)
            where operation.code == .unevaluatedProperties {
                unnamed.append(Int(operation.a))
            }
        }
        unnamed.removeAll { parts.nodes[$0].isFalse }
        return unnamed.isEmpty ? [] : unnamed + named
    }
}

// MARK: - The trie

extension SchemaMarker {
    private mutating func add(_ walk: Walk) throws(ContractError) -> Int {
        guard places.count < Self.placeCountMax else {
            throw walk.fail("size", "fewer or shorter paths")
        }
        places.append(Place())
        return places.count - 1
    }

    private mutating func child(
        _ place: Int, _ name: String, _ walk: Walk
    ) throws(ContractError) -> Int {
        if let known = places[place].names[name] { return known }
        let made = try add(walk)
        places[place].names[name] = made
        return made
    }

    private mutating func others(_ place: Int, _ walk: Walk) throws(ContractError) -> Int {
        if let known = places[place].others { return known }
        let made = try add(walk)
        places[place].others = made
        return made
    }

    private mutating func apply(
        _ place: Int, _ mask: UInt8, _ walk: Walk
    ) throws(ContractError) {
        try walk.checkRepeatable()
        let at: Int
        if let known = places[place].rules {
            at = known
        } else {
            // Numbers of JSON are never rounded to 32 bits.
            rules.append(FieldMarker.Rules(kind: .double))
            at = rules.count - 1
            places[place].rules = at
        }
        switch walk.use {
        case .key: rules[at].isKey = true
        case .subject: rules[at].isSubject = true
        case .pii(let field):
            guard mask & JSONSchemaProgram.Types.string != 0 else {
                throw walk.fail(
                    "pii-type", "a string, an optional string, or a list or map of strings")
            }
            guard rules[at].pii == nil || rules[at].pii == field else {
                throw walk.fail("duplicate-path", "each field once")
            }
            rules[at].pii = field
        case .check(let index, let rule):
            try rule.checkFit(types: mask, pointer: walk.pointer)
            if !rules[at].checks.contains(index) { rules[at].checks.append(index) }
        case .requirement(let bit): rules[at].requirements |= 1 << UInt64(bit)
        case .presence(let bit): rules[at].presences |= 1 << UInt64(bit)
        case .condition(let index, let rule):
            try rule.checkFit(types: mask, pointer: walk.pointer)
            if !rules[at].conditions.contains(index) { rules[at].conditions.append(index) }
        case .mention: break
        }
    }

    /// Gives the named members of each object the rules that hold for its other members too: a path
    /// through a map means all of them, also those that another path names.
    mutating func finish(pointer: String) throws(ContractError) {
        let walk = Walk(steps: [], use: .mention, pointer: pointer)
        var place = 0
        while place < places.count {
            if let others = places[place].others {
                for (_, child) in places[place].names { try merge(others, into: child, walk) }
            }
            place += 1
        }
    }

    private mutating func merge(
        _ from: Int, into: Int, _ walk: Walk
    ) throws(ContractError) {
        steps += 1
        guard steps <= Self.stepsMax else {
            throw walk.fail("size", "fewer paths, or a smaller schema")
        }
        if let source = places[from].rules {
            if let target = places[into].rules {
                let added = rules[source]
                rules[target].pii = rules[target].pii ?? added.pii
                rules[target].checks += added.checks.filter { !rules[target].checks.contains($0) }
            } else {
                rules.append(rules[source])
                places[into].rules = rules.count - 1
            }
        }
        for (name, child) in places[from].names.sorted(by: { $0.value < $1.value }) {
            try merge(child, into: try self.child(into, name, walk), walk)
        }
        if let child = places[from].others {
            try merge(child, into: try others(into, walk), walk)
        }
    }
}

extension ContractDocument.Validation {
    /// - Throws: at the field or the value, if no value of these types of a JSON Schema can be held
    ///   to this rule.
    func checkFit(types mask: UInt8, pointer: String) throws(ContractError) {
        let values: [JSONValue]
        let place: String
        switch check {
        case .regex, .length, .format:
            try Self.require(
                mask, JSONSchemaProgram.Types.string,
                "a string field, or a list or map of strings", pointer)
            return
        case .range:
            try Self.require(
                mask, JSONSchemaProgram.Types.number,
                "a number field, or a list or map of numbers", pointer)
            return
        case .enumeration(let list): (values, place) = (list, "\(self.pointer)/values")
        case .requiredIf(let condition):
            (values, place) = (condition.values ?? [], "\(self.pointer)/when/in")
        }
        for (index, value) in values.enumerated() where mask & Self.type(value) == 0 {
            throw ContractError(
                pointer: "\(place)/\(index)", rule: "validation-value",
                expected: "a value of a type that the field's schema allows")
        }
    }

    private static func require(
        _ mask: UInt8, _ types: UInt8, _ expected: String, _ pointer: String
    ) throws(ContractError) {
        guard mask & types == 0 else { return }
        throw ContractError(pointer: pointer, rule: "validation-type", expected: expected)
    }

    private static func type(_ value: JSONValue) -> UInt8 {
        switch value {
        case .string: JSONSchemaProgram.Types.string
        case .bool: JSONSchemaProgram.Types.boolean
        case .integer, .unsigned: JSONSchemaProgram.Types.integer
        case .double: JSONSchemaProgram.Types.number
        default: 0
        }
    }
}
