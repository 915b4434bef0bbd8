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

    /// Finds the field of each member of the object and pushes a list: for each field the tape
    /// index of its value, or 0. The next field of the schema is tried first, since senders mostly
    /// keep its order.
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
        conditions |= field.pointee.conditions
        present |= field.pointee.present
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
