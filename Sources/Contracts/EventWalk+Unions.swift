// A union's value in JSON is plain (`"x"`) or wrapped in an object that names the branch
// (`{"string": "x"}`, Avro's JSON encoding). Which one it is:
//
// 1. null is the null branch.
// 2. An object with exactly one member whose name is a branch's name (or alias), and whose value is
//    of the JSON type of that branch, is the wrapped form.
// 3. Everything else is plain and belongs to the first branch, in the schema's order, that it fits:
//    an integer fits int and long within their ranges; a number fits float and double if they hold
//    it exactly; a string fits enum if it is a symbol, fixed if it has its length, bytes if it has
//    no character above U+00FF; an object fits a record if it has no unknown member and no required
//    one is missing. Records come before maps, which every object fits.
// 4. If it fits none, but only one branch is of its JSON type, it is taken for that one: a decimal
//    fraction is rounded, and complaints are about that type.
//
// So everything that Avro's JSON encoding can say is read as it says. A plain map or record is
// misread only if it has one member, named like a branch, of that branch's JSON type: whoever sends
// such maps wraps them.

extension EventWalk {
    mutating func union(_ index: Int, _ node: NodePointer) -> Bool {
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

    /// The node of the branch that the object's only member names, if its value can be of that
    /// branch.
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
