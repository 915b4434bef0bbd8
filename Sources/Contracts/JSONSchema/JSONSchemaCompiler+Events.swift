// What a contract asks of a schema beyond JSON Schema itself.

extension JSONSchemaCompiler {
    /// The program for events of a contract. An object schema that does not say otherwise refuses
    /// unknown properties at the event's top level: known is every name that a schema applied to
    /// the event declares. Otherwise says one that has `additionalProperties`,
    /// `unevaluatedProperties`, `patternProperties` or `propertyNames`.
    /// - Throws: as ``compile()``, and if no object can be an event.
    mutating func compileForEvents() throws(ContractError) -> JSONSchemaProgram {
        _ = try compile()
        let root = parts.root
        documentRoot = root
        var masks = TypeMasks(parts)
        guard masks[root] & JSONSchemaProgram.Types.object != 0 else {
            throw index.failure(
                0, nil, "root-type", "a schema of objects: every event is one")
        }
        var node = JSONSchemaProgram.Node()
        node.types = JSONSchemaProgram.Types.object
        node.resource = parts.nodes[root].resource
        node.first = UInt32(parts.operations.count)
        var operations: [JSONSchemaProgram.Operation] = []
        if let names = knownNames(root) {
            var object = JSONSchemaProgram.Object()
            object.isStrict = true
            object.additional = UInt32(parts.nodes.count + 2)
            operations.append(.init(code: .members, a: UInt32(parts.objects.count)))
            addObject(&object, names.map { ($0, 0) }, required: [])
        }
        operations.append(.init(code: .apply, a: UInt32(root)))
        node.applyAt = UInt16(operations.count - 1)
        node.end = UInt16(operations.count)
        parts.operations += operations
        parts.root = parts.nodes.count
        var never = JSONSchemaProgram.Node()
        never.isFalse = true
        parts.nodes += [node, never]
        return JSONSchemaProgram(parts)
    }

    /// The names that schemas applied to the event declare, in their order, since senders mostly keep
    /// it; nil: some schema says itself what else there may be.
    private func knownNames(_ root: Int) -> [String]? {
        var known = ["strmMeta"]
        var seen = Set(known.map { Array($0.utf8) })
        for node in parts.closure([root]) {
            for operation in parts.operations(of: node) {
                switch operation.code {
                case .propertyNames, .unevaluatedProperties: return nil
                case .members:
                    let object = parts.objects[Int(operation.a)]
                    guard object.additional == 0, object.patternCount == 0 else { return nil }
                    let first = Int(object.first)
                    for member in parts.members[first..<(first + Int(object.count))]
                    where member.node != 0 {
                        let name = parts.string(member.name)
                        if seen.insert(Array(name.utf8)).inserted { known.append(name) }
                    }
                default: break
                }
            }
        }
        return known
    }
}

extension JSONSchemaProgram.Parts {
    func string(_ name: JSONSchemaProgram.Name) -> String {
        String(decoding: bytes(of: name), as: UTF8.self)
    }

    func bytes(of name: JSONSchemaProgram.Name) -> ArraySlice<UInt8> {
        bytes[Int(name.start)..<Int(name.start + name.count)]
    }

    /// Nodes and all that they apply in place to the same value so that it adds to what the value
    /// may have: `not` does not.
    func closure(_ start: [Int]) -> [Int] {
        var seen = Set(start)
        var found = start
        var next = 0
        while next < found.count {
            for child in inPlace(found[next], withNot: false)
            where seen.insert(child).inserted {
                found.append(child)
            }
            next += 1
        }
        return found
    }
}

/// Which types of values a schema leaves possible, by what it and the schemas in it say about types
/// and constants. Each node is worked out once; the compiler has bounded chains and ruled out
/// cycles.
struct TypeMasks {
    private let parts: JSONSchemaProgram.Parts
    private var known: [UInt8?]

    init(_ parts: JSONSchemaProgram.Parts) {
        self.parts = parts
        known = [UInt8?](repeating: nil, count: parts.nodes.count)
    }

    subscript(node: Int) -> UInt8 {
        mutating get {
            if let mask = known[node] { return mask }
            let mask = mask(node)
            known[node] = mask
            return mask
        }
    }

    private mutating func mask(_ node: Int) -> UInt8 {
        guard !parts.nodes[node].isFalse else { return 0 }
        var mask = parts.nodes[node].types
        for operation in parts.operations(of: node) {
            let a = Int(operation.a)
            switch operation.code {
            case .enum, .const:
                mask &= parts.constants[a..<(a + Int(operation.b))].reduce(0) { $0 | $1.type }
            case .apply: mask &= self[a]
            case .anyOf, .oneOf:
                var any: UInt8 = 0
                for child in parts.children[a..<(a + Int(operation.b))] { any |= self[Int(child)] }
                mask &= any
            default: break
            }
        }
        return mask
    }
}
