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
        /// By their bytes: to a String, two spellings of one character are equal, to an event not.
        var names: [[UInt8]: Int] = [:]
        /// The place of all other members.
        var others: Int?

        var isEmpty: Bool { rules == nil && names.isEmpty && others == nil }
    }

    private let parts: JSONSchemaProgram.Parts
    private let root: Int
    private var masks: TypeMasks
    var rules: [FieldMarker.Rules] = []
    /// Place 0 stands for none, place 1 is the event.
    var places = [Place(), Place()]
    /// Schemas and operations looked at, for all paths together.
    var steps = 0

    static let placeCountMax = 20_000
    static let stepsMax = 200_000

    init(_ parts: JSONSchemaProgram.Parts, root: Int) {
        self.parts = parts
        self.root = root
        masks = TypeMasks(parts)
    }

    struct Walk {
        let steps: [String]
        let use: FieldMarker.Use
        let pointer: String
        var index = 0
        /// Lists and maps that were entered.
        var repeats = 0
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
            next.repeats += 1
            return next
        }

        /// - Throws: inside a list or map, if the use is for one value of an event.
        func checkRepeatable() throws(ContractError) {
            guard repeats > 0 else { return }
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
        guard walk.repeats <= EventLimits.depthMax else {
            throw walk.fail("size", "at most \(EventLimits.depthMax) lists and maps on a path")
        }
        var walk = walk
        let entries = entries.filter { walk.seen.insert($0).inserted }
        guard !entries.isEmpty else { return false }
        let nodes = parts.closure(entries)
        steps += nodes.reduce(1) { $0 + weight($1) }
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
        // Also where the name is declared: an object may be a record and a map in one.
        if !members.isEmpty {
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
    /// What looking at a node costs: its operations, and its members, of which many are passed over
    /// in a step.
    private func weight(_ node: Int) -> Int {
        parts.operations(of: node).reduce(1) { weight, operation in
            guard operation.code == .members else { return weight + 1 }
            return weight + 1 + Int(parts.objects[Int(operation.a)].count) / 16
        }
    }

    /// Schemas of the properties of that name: declared ones, and those whose pattern matches.
    private func declared(_ name: String, _ nodes: [Int]) -> [Int] {
        let bytes = Array(name.utf8)
        return objects(nodes).flatMap { object in
            let first = Int(object.first)
            let members = parts.members[first..<(first + Int(object.count))].filter {
                $0.node != 0 && parts.bytes(of: $0.name).elementsEqual(bytes)
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
