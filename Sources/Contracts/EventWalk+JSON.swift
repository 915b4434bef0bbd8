// The walk over the tape of a JSON event. Depth is bounded by the parser, and again here.

extension EventWalk {
    /// Checks and writes the whole event; `root` is the tape index of its value.
    mutating func walkJSON(_ root: Int) -> Bool {
        value(root, plan.nodes + plan.root)
    }

    /// Checks and writes one value.
    mutating func value(_ index: Int, _ node: NodePointer) -> Bool {
        switch node.pointee.kind {
        case .string:
            guard tape.tag(index) == JSONTape.Tag.string else { return failType(node) }
            return putString(tape.string(index), node)
        case .record: return record(index, node)
        case .union: return union(index, node)
        case .int, .long: return integer(index, node)
        case .array: return array(index, node)
        case .map: return map(index, node)
        case .boolean:
            let tag = tape.tag(index)
            guard tag == JSONTape.Tag.yes || tag == JSONTape.Tag.no else { return failType(node) }
            return putBoolean(tag == JSONTape.Tag.yes, node)
        case .float, .double: return double(index, node)
        case .enum:
            guard tape.tag(index) == JSONTape.Tag.string else { return failType(node) }
            guard let symbol = plan.target(node.pointee, tape.string(index)) else {
                return failEnum(node)
            }
            return putSymbol(symbol, node)
        case .bytes, .fixed: return byteString(index, node)
        case .null:
            guard tape.tag(index) == JSONTape.Tag.null else { return failType(node) }
            return put("null")
        }
    }

    @inline(__always)
    private mutating func integer(_ index: Int, _ node: NodePointer) -> Bool {
        switch tape.tag(index) {
        case JSONTape.Tag.integer: return putInteger(tape.integer(index), node)
        case JSONTape.Tag.unsigned:
            return fail(
                .schemaViolation, .range, "a number in the range of \(node.pointee.kind.name)")
        default: return failType(node)
        }
    }

    private mutating func double(_ index: Int, _ node: NodePointer) -> Bool {
        switch tape.tag(index) {
        case JSONTape.Tag.double: return putDouble(tape.double(index), node)
        case JSONTape.Tag.integer: return putDouble(Double(tape.integer(index)), node)
        case JSONTape.Tag.unsigned: return putDouble(Double(tape.unsigned(index)), node)
        default: return failType(node)
        }
    }

    /// Bytes and fixed values are strings of the characters U+0000...U+00FF, one for each byte.
    private mutating func byteString(_ index: Int, _ node: NodePointer) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.string else { return failType(node) }
        let text = tape.string(index)
        guard let count = Self.latin1Count(text) else {
            return fail(.schemaViolation, .byteString, expectation(node))
        }
        if node.pointee.kind == .fixed, count != Int(node.pointee.count) {
            return fail(.schemaViolation, .fixedSize, expectation(node))
        }
        return putString(text, node)
    }

    /// Characters of valid UTF-8 text, or nil if one is above U+00FF.
    static func latin1Count(_ text: UnsafeRawBufferPointer) -> Int? {
        var count = 0
        for byte in text {
            if byte > 0xc3 { return nil }
            if byte & 0xc0 != 0x80 { count += 1 }
        }
        return count
    }

    private mutating func array(_ index: Int, _ node: NodePointer) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.array else { return failType(node) }
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "["))
        let item = plan.nodes + Int(node.pointee.first)
        let end = tape.end(index)
        var at = index + 1
        var count = 0
        while at < end {
            self.at(.item(count))
            if count > 0 {
                guard reserve(1) else { return false }
                put(UInt8(ascii: ","))
            }
            guard value(at, item) else { return false }
            at = tape.next(at)
            count += 1
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "]"))
        leave()
        return true
    }

    private mutating func map(_ index: Int, _ node: NodePointer) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.object else { return failType(node) }
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        let item = plan.nodes + Int(node.pointee.first)
        let end = tape.end(index)
        let firstKey = mapKeys.count
        var at = index + 1
        while at < end {
            let name = tape.string(at)
            let isFirst = mapKeys.count == firstKey
            guard addKey(name, first: firstKey), putKey(name, isFirst: isFirst),
                value(at + 1, item)
            else { return false }
            at = tape.next(at + 1)
        }
        guard checkKeys(from: firstKey), reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        leave()
        return true
    }
}

// MARK: - Records

extension EventWalk {
    private mutating func record(_ index: Int, _ node: NodePointer) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.object else { return failType(node) }
        guard enter() else { return false }
        let base = members.count
        guard bindMembers(index, node) else { return false }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        let count = Int(node.pointee.count)
        let fields = plan.fields + Int(node.pointee.first)
        for position in 0..<count {
            at(.name(Int(node.pointee.names) + position))
            let field = fields + position
            guard putName(field, isFirst: position == 0) else { return false }
            let found = Int(members.base[base + position])
            if field.pointee.role != .none {
                guard metaField(found, field) else { return false }
            } else if found != 0 {
                guard value(found, plan.nodes + Int(field.pointee.node)) else { return false }
            } else {
                guard putDefault(field) else { return false }
            }
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        members.count = base
        leave()
        return true
    }

    /// Finds the field of each member of the object and pushes a list: for each field the tape index of its value, or 0.
    /// The next field of the schema is tried first, since senders mostly keep its order.
    private mutating func bindMembers(_ index: Int, _ node: NodePointer) -> Bool {
        let count = Int(node.pointee.count)
        let base = members.count
        members.reserve(count)
        let list = members.base + base
        list.update(repeating: 0, count: count)
        members.count += count
        let names = Int(node.pointee.names)
        let end = tape.end(index)
        var at = index + 1
        var next = 0
        while at < end {
            let name = tape.string(at)
            let position: Int
            if next < count, plan.isName(names + next, name) {
                position = next
            } else if let found = plan.target(node.pointee, name) {
                position = found
            } else {
                return failUnknown(name)
            }
            guard list[position] == 0 else { return failDuplicate(name) }
            list[position] = UInt32(truncatingIfNeeded: at + 1)
            next = position + 1
            at = tape.next(at + 1)
        }
        return true
    }

    @inline(never)
    private mutating func failUnknown(_ name: UnsafeRawBufferPointer) -> Bool {
        if let start = name.baseAddress { at(.key(start, name.count)) }
        return fail(.schemaViolation, .unknownField, "only fields of the schema")
    }

    @inline(never)
    mutating func failDuplicate(_ name: UnsafeRawBufferPointer) -> Bool {
        if let start = name.baseAddress { at(.key(start, name.count)) }
        return fail(.malformedBody, .duplicateKey, "each name once in an object")
    }

    /// The schema's default in place of an absent value.
    private mutating func putDefault(_ field: UnsafePointer<DecodingPlan.Field>) -> Bool {
        guard field.pointee.hasDefault else {
            return fail(.schemaViolation, .required, "a value: the field has no default")
        }
        let start = output.count
        guard put(plan.bytes + Int(field.pointee.defaultStart), Int(field.pointee.defaultCount))
        else { return false }
        let first = Int(field.pointee.spanStart)
        for index in first..<(first + Int(field.pointee.spanCount)) {
            var span = plan.spans[index]
            span.start += UInt32(truncatingIfNeeded: start)
            spans.append(span)
        }
        return true
    }

    private mutating func metaField(
        _ found: Int, _ field: UnsafePointer<DecodingPlan.Field>
    ) -> Bool {
        let node = plan.nodes + Int(field.pointee.node)
        let role = field.pointee.role
        if role.isFilled {
            let start = output.count
            let spanCount = spans.count
            if found != 0 { guard value(found, node) else { return false } }
            markInsertion(role, from: start, spanCount: spanCount)
            return true
        }
        // The sender says these two, always: silence is no consent and names no contract.
        guard found != 0 else { return fail(.schemaViolation, .required, "a value") }
        return role == .consentLevels ? consentLevels(found, node) : value(found, node)
    }

    private mutating func consentLevels(_ index: Int, _ node: NodePointer) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.array else { return failType(node) }
        guard enter() else { return false }
        let end = tape.end(index)
        var at = index + 1
        var count = 0
        while at < end {
            self.at(.item(count))
            guard tape.tag(at) == JSONTape.Tag.integer else {
                return failType(plan.nodes + Int(node.pointee.first))
            }
            guard addConsent(tape.integer(at)) else { return false }
            at = tape.next(at)
            count += 1
        }
        leave()
        return putConsent()
    }
}

// MARK: - Unions

// A union's value in JSON is plain (`"x"`) or wrapped in an object that names the branch (`{"string": "x"}`, Avro's JSON
// encoding). Which one it is:
//
// 1. null is the null branch.
// 2. An object with exactly one member whose name is a branch's name (or alias), and whose value is of the JSON type
//    of that branch, is the wrapped form.
// 3. Everything else is plain and belongs to the first branch, in the schema's order, that it fits: an integer fits int
//    and long within their ranges; a number fits float and double if they hold it exactly; a string fits enum if it is a
//    symbol, fixed if it has its length, bytes if it has no character above U+00FF; an object fits a record if it has no
//    unknown member and no required one is missing. Records come before maps, which every object fits.
// 4. If it fits none, but only one branch is of its JSON type, it is taken for that one: a decimal fraction is rounded,
//    and complaints are about that type.
//
// So everything that Avro's JSON encoding can say is read as it says. A plain map or record is misread only if it has
// one member, named like a branch, of that branch's JSON type: whoever sends such maps wraps them.

extension EventWalk {
    private mutating func union(_ index: Int, _ node: NodePointer) -> Bool {
        let tag = tape.tag(index)
        if node.pointee.isOptional {
            if tag == JSONTape.Tag.null { return put("null") }
            if tag != JSONTape.Tag.object {
                let at = Int(node.pointee.first) + Int(node.pointee.valueBranch)
                return value(index, plan.nodes + Int(plan.branches[at].node))
            }
        }
        if tag == JSONTape.Tag.object, acceptsWrapped, tape.memberCount(index) == 1,
            let branch = wrappedBranch(index, node)
        {
            let name = tape.string(index + 1)
            push(.key(name.baseAddress.unsafelyUnwrapped, name.count))
            guard value(index + 2, plan.nodes + branch) else { return false }
            pop()
            return true
        }
        return plain(index, node)
    }

    /// The node of the branch that the object's only member names, if its value can be of that branch.
    private mutating func wrappedBranch(_ index: Int, _ node: NodePointer) -> Int? {
        let name = tape.string(index + 1)
        for at in 0..<Int(node.pointee.count) {
            let branch = plan.branches[Int(node.pointee.first) + at]
            let names = Int(branch.names)..<Int(branch.names + branch.nameCount)
            guard names.contains(where: { plan.isName($0, name) }) else { continue }
            let inner = plan.nodes + Int(branch.node)
            guard inner.pointee.kind != .null, hasJSONType(index + 2, inner) else { return nil }
            return Int(branch.node)
        }
        return nil
    }

    private mutating func plain(_ index: Int, _ node: NodePointer) -> Bool {
        var candidate = -1
        var map = -1
        for at in 0..<Int(node.pointee.count) {
            let branch = Int(plan.branches[Int(node.pointee.first) + at].node)
            guard hasJSONType(index, plan.nodes + branch) else { continue }
            if plan.nodes[branch].kind == .map {
                map = branch
            } else if fits(index, plan.nodes + branch) {
                return value(index, plan.nodes + branch)
            } else {
                candidate = candidate == -1 ? branch : -2
            }
        }
        if map >= 0 { return value(index, plan.nodes + map) }
        guard candidate >= 0 else { return fail(.schemaViolation, .union, expectation(node)) }
        return value(index, plan.nodes + candidate)
    }

    /// Whether the JSON type is one in which this Avro type is written.
    private func hasJSONType(_ index: Int, _ node: NodePointer) -> Bool {
        let tag = tape.tag(index)
        switch node.pointee.kind {
        case .null: return tag == JSONTape.Tag.null
        case .boolean: return tag == JSONTape.Tag.yes || tag == JSONTape.Tag.no
        case .int, .long: return tag == JSONTape.Tag.integer || tag == JSONTape.Tag.unsigned
        case .float, .double:
            return tag == JSONTape.Tag.integer || tag == JSONTape.Tag.unsigned
                || tag == JSONTape.Tag.double
        case .string, .bytes, .enum, .fixed: return tag == JSONTape.Tag.string
        case .array: return tag == JSONTape.Tag.array
        case .map, .record: return tag == JSONTape.Tag.object
        case .union: return false
        }
    }

    /// Whether a value of the right JSON type fits the branch, its inner values aside.
    private func fits(_ index: Int, _ node: NodePointer) -> Bool {
        switch node.pointee.kind {
        case .int:
            guard tape.tag(index) == JSONTape.Tag.integer else { return false }
            return Int32(exactly: tape.integer(index)) != nil
        case .long: return tape.tag(index) == JSONTape.Tag.integer
        case .float: return fitsFloat(index)
        case .double: return fitsDouble(index)
        case .bytes: return Self.latin1Count(tape.string(index)) != nil
        case .fixed: return Self.latin1Count(tape.string(index)) == Int(node.pointee.count)
        case .enum: return plan.target(node.pointee, tape.string(index)) != nil
        case .record: return hasMembers(index, node)
        default: return true
        }
    }

    private func fitsFloat(_ index: Int) -> Bool {
        switch tape.tag(index) {
        case JSONTape.Tag.integer: return Float(exactly: tape.integer(index)) != nil
        case JSONTape.Tag.unsigned: return Float(exactly: tape.unsigned(index)) != nil
        default: return Float(exactly: tape.double(index)) != nil
        }
    }

    private func fitsDouble(_ index: Int) -> Bool {
        switch tape.tag(index) {
        case JSONTape.Tag.integer: return Double(exactly: tape.integer(index)) != nil
        case JSONTape.Tag.unsigned: return Double(exactly: tape.unsigned(index)) != nil
        default: return true
        }
    }

    /// Whether all members are fields of the record, and all required fields are there.
    private func hasMembers(_ index: Int, _ node: NodePointer) -> Bool {
        var missing = Int(node.pointee.requiredCount)
        var at = index + 1
        while at < tape.end(index) {
            guard let position = plan.target(node.pointee, tape.string(at)) else { return false }
            if !plan.fields[Int(node.pointee.first) + position].hasDefault { missing -= 1 }
            at = tape.next(at + 1)
        }
        // Repeated names can only make this smaller than it is; the walk itself refuses them.
        return missing <= 0
    }
}

// MARK: - Map keys

extension EventWalk {
    /// Notes one more key of the map that began at `first`.
    mutating func addKey(_ name: UnsafeRawBufferPointer, first: Int) -> Bool {
        guard let start = name.baseAddress else { return true }
        at(.key(start, name.count))
        guard name.count <= limits.keyBytesMax else {
            return fail(.tooLarge, .keySize, "names of at most \(limits.keyBytesMax) bytes")
        }
        guard mapKeys.count - first < limits.mapKeyCountMax else {
            return fail(.tooLarge, .keyCount, "at most \(limits.mapKeyCountMax) keys in a map")
        }
        mapKeys.append(MapKey(start: start, count: name.count))
        return true
    }

    /// Refuses a key that stands twice in the map that began at `first`, and forgets its keys.
    mutating func checkKeys(from first: Int) -> Bool {
        let count = mapKeys.count - first
        guard count > 1 else {
            mapKeys.count = first
            return true
        }
        var size = 4
        while size < 2 * count { size *= 2 }
        keyTable.count = 0
        keyTable.reserve(size)
        let table = keyTable.base
        table.update(repeating: 0, count: size)
        for index in 0..<count {
            let key = mapKeys.base[first + index]
            let text = UnsafeRawBufferPointer(start: key.start, count: key.count)
            var at = Int(truncatingIfNeeded: ByteText.hash(text, seed: hashSeed)) & (size - 1)
            while table[at] != 0 {
                let other = mapKeys.base[first + Int(table[at]) - 1]
                if ByteText.isEqual(other.start, other.count, text) { return failDuplicate(text) }
                at = (at + 1) & (size - 1)
            }
            table[at] = UInt16(truncatingIfNeeded: index + 1)
        }
        mapKeys.count = first
        return true
    }
}
