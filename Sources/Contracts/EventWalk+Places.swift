// The walk that writes an event whose JSON Schema has accepted it: members stay in the sender's
// order, and the contract's rules hold at the places that its paths have come to.

extension EventWalk {
    private typealias PlacePointer = UnsafePointer<DecodingPlan.Place>

    /// Writes the whole event; `root` is the tape index of its object.
    mutating func walkPlaces(_ root: Int) -> Bool {
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        let place = plan.places + 1
        let end = tape.end(root)
        var at = root + 1
        while at < end {
            let name = tape.string(at)
            guard step(name), putKey(name, isFirst: at == root + 1) else { return false }
            if Self.isName(name, "strmMeta") {
                guard metaSection(at + 1) else { return false }
            } else {
                guard placed(at + 1, inner(place, name)) else { return false }
            }
            at = tape.next(at + 1)
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        leave()
        return true
    }

    @inline(__always)
    static func isName(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        ByteText.isEqual(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount, name)
    }

    /// Sets the path's last step to a member's name.
    @inline(__always)
    private mutating func step(_ name: UnsafeRawBufferPointer) -> Bool {
        if let start = name.baseAddress { at(.key(start, name.count)) }
        return true
    }

    /// The place of a member.
    @inline(__always)
    private func inner(_ place: PlacePointer, _ name: UnsafeRawBufferPointer) -> PlacePointer {
        let count = Int(place.pointee.count)
        if count == 0 { return plan.places + Int(place.pointee.others) }
        let first = Int(place.pointee.names)
        if count <= 4 {
            for index in first..<(first + count) where plan.isName(index, name) {
                return plan.places + Int(plan.names[index].target)
            }
            return plan.places + Int(place.pointee.others)
        }
        let found = plan.find(
            name, names: place.pointee.names, table: place.pointee.table,
            mask: place.pointee.tableMask)
        return plan.places + (found ?? Int(place.pointee.others))
    }

    private mutating func placed(_ index: Int, _ place: PlacePointer) -> Bool {
        let rules = Int(place.pointee.rules)
        switch tape.tag(index) {
        case JSONTape.Tag.string: return putString(tape.string(index), rules: rules)
        case JSONTape.Tag.object: return placedObject(index, place)
        case JSONTape.Tag.array: return placedArray(index, place)
        case JSONTape.Tag.null: return put("null")
        default:
            if rules != 0, plan.rules[rules - 1].pii >= 0 { return failPlace("a string") }
            return scalar(index, rules: rules)
        }
    }

    /// Writes a number or boolean and applies the rules of its place.
    private mutating func scalar(_ index: Int, rules: Int) -> Bool {
        guard reserve(NumberText.bytesMax) else { return false }
        let start = output.count
        switch tape.tag(index) {
        case JSONTape.Tag.integer:
            let number = tape.integer(index)
            output.count += NumberText.write(number, into: output.base + start)
            return rules == 0 || applyRules(integer: number, rules, from: start)
        case JSONTape.Tag.unsigned:
            let number = tape.unsigned(index)
            output.count += NumberText.write(number, into: output.base + start)
            return rules == 0 || applyRules(double: Double(number), rules, from: start)
        case JSONTape.Tag.double:
            let number = tape.double(index)
            output.count += NumberText.write(number, into: output.base + start)
            return rules == 0 || applyRules(double: number, rules, from: start)
        default:
            let flag = tape.tag(index) == JSONTape.Tag.yes
            guard flag ? put("true") : put("false") else { return false }
            return rules == 0 || applyRules(boolean: flag, rules, from: start)
        }
    }

    private mutating func placedObject(_ index: Int, _ place: PlacePointer) -> Bool {
        // A map of personal strings has a place for all its members; an object of named members
        // would have some in clear.
        if place.pointee.rules != 0, place.pointee.others == 0,
            place.pointee.count == 0 || isPersonal(place)
        {
            return failPlace(expectation(place))
        }
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        let end = tape.end(index)
        var at = index + 1
        while at < end {
            let name = tape.string(at)
            guard step(name), putKey(name, isFirst: at == index + 1),
                placed(at + 1, inner(place, name))
            else { return false }
            at = tape.next(at + 1)
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        leave()
        return true
    }

    /// Lists are passed over: their items are at the list's own place. Not so for the key field, the
    /// data subject and what `required-if` asks about, of which an event has one.
    private mutating func placedArray(_ index: Int, _ place: PlacePointer) -> Bool {
        if place.pointee.rules != 0 {
            let rules = plan.rules + (Int(place.pointee.rules) - 1)
            if rules.pointee.isKey || rules.pointee.isSubject
                || rules.pointee.requirements | rules.pointee.presences != 0
            {
                return failPlace(expectation(place))
            }
        }
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "["))
        let end = tape.end(index)
        var at = index + 1
        var count = 0
        while at < end {
            self.at(.item(count))
            if count > 0 {
                guard reserve(1) else { return false }
                put(UInt8(ascii: ","))
            }
            guard placed(at, place) else { return false }
            at = tape.next(at)
            count += 1
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "]"))
        leave()
        return true
    }

    private func isPersonal(_ place: PlacePointer) -> Bool {
        plan.rules[Int(place.pointee.rules) - 1].pii >= 0
    }

    private func expectation(_ place: PlacePointer) -> String {
        isPersonal(place) ? "a string" : "a string, a number or a boolean"
    }

    /// A value that the schema lets through where the contract needs another type.
    @inline(never)
    private mutating func failPlace(_ expected: String) -> Bool {
        fail(.contractViolation, .type, expected)
    }
}

// MARK: - Names

extension EventWalk {
    /// Refuses objects with a name twice, too many names or a name that is too long, at any depth.
    /// Cost: linear.
    mutating func checkNames(_ root: Int) -> Bool {
        var at = root
        let end = tape.next(root)
        while at < end {
            switch tape.tag(at) {
            case JSONTape.Tag.object:
                guard checkNames(of: at, root) else { return false }
                at += 1
            case JSONTape.Tag.integer, JSONTape.Tag.unsigned, JSONTape.Tag.double: at += 2
            default: at += 1
            }
        }
        return true
    }

    private mutating func checkNames(of object: Int, _ root: Int) -> Bool {
        guard tape.memberCount(object) <= limits.mapKeyCountMax else {
            return fail(
                Refusal(
                    kind: .tooLarge, pointer: tape.pointer(to: object, from: root),
                    rule: .keyCount,
                    expected: "at most \(limits.mapKeyCountMax) names in an object"))
        }
        let end = tape.end(object)
        var at = object + 1
        let first = mapKeys.count
        while at < end {
            let name = tape.string(at)
            guard name.count <= limits.keyBytesMax else {
                return fail(
                    Refusal(
                        kind: .tooLarge, pointer: tape.pointer(to: at, from: root),
                        rule: .keySize,
                        expected: "names of at most \(limits.keyBytesMax) bytes"))
            }
            if let start = name.baseAddress {
                mapKeys.append(MapKey(start: start, count: name.count))
            }
            at = tape.next(at + 1)
        }
        defer { mapKeys.count = first }
        guard let twice = repeatedKey(from: first) else { return true }
        return fail(
            Refusal(
                kind: .malformedBody, pointer: pointer(ofName: twice, in: object, root),
                rule: .duplicateKey, expected: "each name once in an object"))
    }

    private func pointer(ofName ordinal: Int, in object: Int, _ root: Int) -> String {
        var at = object + 1
        for _ in 0..<ordinal { at = tape.next(at + 1) }
        return tape.pointer(to: at, from: root)
    }
}
