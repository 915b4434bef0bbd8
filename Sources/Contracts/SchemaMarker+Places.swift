// The trie of places, and the rules at them.

extension SchemaMarker {
    private mutating func add(_ walk: Walk) throws(ContractError) -> Int {
        guard places.count < Self.placeCountMax else {
            throw walk.fail("size", "fewer or shorter paths")
        }
        places.append(Place())
        return places.count - 1
    }

    mutating func child(
        _ place: Int, _ name: String, _ walk: Walk
    ) throws(ContractError) -> Int {
        try child(place, Array(name.utf8), walk)
    }

    private mutating func child(
        _ place: Int, _ name: [UInt8], _ walk: Walk
    ) throws(ContractError) -> Int {
        if let known = places[place].names[name] { return known }
        let made = try add(walk)
        places[place].names[name] = made
        return made
    }

    mutating func others(_ place: Int, _ walk: Walk) throws(ContractError) -> Int {
        if let known = places[place].others { return known }
        let made = try add(walk)
        places[place].others = made
        return made
    }

    mutating func apply(
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
