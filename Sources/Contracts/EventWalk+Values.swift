import CSimdJSON

// What happens to a value once it is known, whatever form it came in: it is written canonically,
// and the contract's rules for its place are applied.

extension EventWalk {
    typealias NodePointer = UnsafePointer<DecodingPlan.Node>

    /// Writes a string value and applies the rules of its place.
    @inline(__always)
    mutating func putString(_ text: UnsafeRawBufferPointer, _ node: NodePointer) -> Bool {
        putString(text, rules: Int(node.pointee.rules))
    }

    /// Writes a string value; `rules` is an index into the plan's rules plus one, 0: none.
    @inline(__always)
    mutating func putString(_ text: UnsafeRawBufferPointer, rules: Int) -> Bool {
        guard text.count <= limits.stringBytesMax else { return failStringSize() }
        guard reserve(text.count + 16) else { return false }
        put(UInt8(ascii: "\""))
        let start = output.count
        let copied = copyPlain(text)
        let isEscaped = copied < text.count
        if isEscaped { guard putEscaped(text, from: copied) else { return false } }
        let length = output.count - start
        guard reserve(1) else { return false }
        put(UInt8(ascii: "\""))
        guard rules != 0 else { return true }
        return applyRules(text, rules, start: start, length: length, isEscaped: isEscaped)
    }

    /// Writes a name of the event: a map key. There are no rules for keys.
    mutating func putKey(_ text: UnsafeRawBufferPointer, isFirst: Bool) -> Bool {
        guard reserve(text.count + 16) else { return false }
        if !isFirst { put(UInt8(ascii: ",")) }
        put(UInt8(ascii: "\""))
        let copied = copyPlain(text)
        if copied < text.count { guard putEscaped(text, from: copied) else { return false } }
        guard reserve(2) else { return false }
        put(UInt8(ascii: "\""))
        put(UInt8(ascii: ":"))
        return true
    }

    /// Copies text as long as nothing in it needs escaping; returns how many bytes. There is room
    /// for all of them.
    @inline(__always)
    private mutating func copyPlain(_ text: UnsafeRawBufferPointer) -> Int {
        guard let source = text.baseAddress else { return 0 }
        let target = UnsafeMutableRawPointer(output.base + output.count)
        var index = 0
        while index + 8 <= text.count {
            let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if JSONText.hasSpecialByte(word) { break }
            target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < text.count {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            index += 1
        }
        output.count += index
        return index
    }

    @inline(never)
    private mutating func putEscaped(_ text: UnsafeRawBufferPointer, from index: Int) -> Bool {
        let rest = UnsafeRawBufferPointer(rebasing: text[index...])
        let count = JSONText.escapedCount(rest)
        guard reserve(count) else { return false }
        let room = UnsafeMutableRawBufferPointer(start: output.base + output.count, count: count)
        output.count += JSONText.escape(rest, into: room)
        return true
    }

    /// Validations, key field, data subject, personal data. `number` is an index into the plan's rules
    /// plus one; `start` and `length` say where the text stands in the output.
    mutating func applyRules(
        _ text: UnsafeRawBufferPointer, _ number: Int, start: Int, length: Int, isEscaped: Bool
    ) -> Bool {
        let rules = plan.rules + (number - 1)
        guard checkText(text, rules) else { return false }
        applyMarks(text, rules, start: start, length: length, isEscaped: isEscaped)
        return true
    }

    /// What a place means, once its value has passed all checks.
    @inline(__always)
    private mutating func applyMarks(
        _ text: UnsafeRawBufferPointer, _ rules: RulesPointer, start: Int, length: Int,
        isEscaped: Bool
    ) {
        if text.count > 0 { notePresence(rules) }
        if rules.pointee.isKey {
            key.count = 0
            key.append(contentsOf: text)
        }
        if rules.pointee.isSubject {
            subject.count = 0
            subject.append(contentsOf: text)
        }
        if rules.pointee.pii >= 0 {
            spans.append(
                EventSpan(
                    kind: .pii, isEscaped: isEscaped, level: rules.pointee.level,
                    isRandom: rules.pointee.isRandom,
                    fieldIndex: UInt16(truncatingIfNeeded: rules.pointee.pii),
                    start: UInt32(truncatingIfNeeded: start),
                    length: UInt32(truncatingIfNeeded: length)))
        }
    }

    /// Rules of an integer that was written at `start`; `number` as in ``applyRules``. As key field
    /// or data subject its canonical text counts.
    mutating func applyRules(integer: Int64, _ number: Int, from start: Int) -> Bool {
        let rules = plan.rules + (number - 1)
        guard checkInteger(integer, rules) else { return false }
        applyScalarMarks(rules, from: start)
        return true
    }

    /// The same for a number that is no 64-bit integer.
    mutating func applyRules(double: Double, _ number: Int, from start: Int) -> Bool {
        let rules = plan.rules + (number - 1)
        guard checkDouble(double, rules) else { return false }
        applyScalarMarks(rules, from: start)
        return true
    }

    mutating func applyRules(boolean: Bool, _ number: Int, from start: Int) -> Bool {
        let rules = plan.rules + (number - 1)
        guard checkBoolean(boolean, rules) else { return false }
        applyScalarMarks(rules, from: start)
        return true
    }

    private mutating func applyScalarMarks(_ rules: RulesPointer, from start: Int) {
        let length = output.count - start
        applyMarks(written(from: start), rules, start: start, length: length, isEscaped: false)
    }

    mutating func putBoolean(_ flag: Bool, _ node: NodePointer) -> Bool {
        let start = output.count
        guard flag ? put("true") : put("false") else { return false }
        guard node.pointee.rules != 0 else { return true }
        return applyRules(boolean: flag, Int(node.pointee.rules), from: start)
    }

    /// Writes an `int` or `long`.
    @inline(__always)
    mutating func putInteger(_ number: Int64, _ node: NodePointer) -> Bool {
        if node.pointee.kind == .int, Int64(Int32(truncatingIfNeeded: number)) != number {
            return failRange(node)
        }
        guard reserve(NumberText.bytesMax) else { return false }
        let start = output.count
        output.count += NumberText.write(number, into: output.base + start)
        guard node.pointee.rules != 0 else { return true }
        return applyRules(integer: number, Int(node.pointee.rules), from: start)
    }

    /// Writes a `double`, or a `float` rounded to 32 bits.
    mutating func putDouble(_ number: Double, _ node: NodePointer) -> Bool {
        guard number.isFinite else {
            return fail(.schemaViolation, .finite, "a finite number: JSON has no NaN or Infinity")
        }
        guard reserve(NumberText.bytesMax) else { return false }
        let start = output.count
        var value = number
        if node.pointee.kind == .float {
            let rounded = Float(number)
            guard rounded.isFinite else { return failRange(node) }
            output.count += NumberText.write(rounded, into: output.base + start)
            value = Double(rounded)
        } else {
            output.count += NumberText.write(number, into: output.base + start)
        }
        guard node.pointee.rules != 0 else { return true }
        return applyRules(double: value, Int(node.pointee.rules), from: start)
    }

    /// Writes the symbol with this index.
    mutating func putSymbol(_ index: Int, _ node: NodePointer) -> Bool {
        let symbol = plan.text(plan.names[Int(node.pointee.names) + index])
        return putString(symbol, node)
    }

    /// Writes bytes or a fixed value: each byte is the character of that number (ISO-8859-1), as in
    /// Avro's JSON encoding.
    mutating func putBytes(_ bytes: UnsafeRawBufferPointer, _ node: NodePointer) -> Bool {
        guard bytes.count <= limits.stringBytesMax else { return failStringSize() }
        var count = 2
        for byte in bytes { count += byte < 0x80 ? Self.escapedCount(byte) : 2 }
        guard reserve(count) else { return false }
        put(UInt8(ascii: "\""))
        let start = output.count
        for byte in bytes {
            if byte >= 0x80 {
                put(0xc0 | byte >> 6)
                put(0x80 | byte & 0x3f)
            } else {
                withUnsafeBytes(of: byte) { one in
                    let room = UnsafeMutableRawBufferPointer(
                        start: output.base + output.count, count: 6)
                    output.count += JSONText.escape(one, into: room)
                }
            }
        }
        put(UInt8(ascii: "\""))
        guard node.pointee.rules != 0 else { return true }
        return applyByteRules(node, start: start)
    }

    /// Key field or data subject of type bytes: the raw value is the unescaped text.
    private mutating func applyByteRules(_ node: NodePointer, start: Int) -> Bool {
        let length = output.count - 1 - start
        let escaped = UnsafeRawBufferPointer(start: output.base + start, count: length)
        return withUnsafeTemporaryAllocation(byteCount: max(length, 1), alignment: 1) { room in
            let count = JSONText.unescape(escaped, into: room)
            let text = UnsafeRawBufferPointer(rebasing: room[..<count])
            defer { SecureBytes.wipe(room) }
            return applyRules(
                text, Int(node.pointee.rules), start: start, length: length,
                isEscaped: count < length)
        }
    }

    private static func escapedCount(_ byte: UInt8) -> Int {
        withUnsafeBytes(of: byte) { JSONText.escapedCount($0) }
    }
}

// MARK: - Complaints

extension EventWalk {
    @inline(never)
    mutating func failStringSize() -> Bool {
        fail(.tooLarge, .stringSize, "at most \(limits.stringBytesMax) bytes")
    }

    @inline(never)
    private mutating func failRange(_ node: NodePointer) -> Bool {
        fail(.schemaViolation, .range, "a number in the range of \(node.pointee.kind.name)")
    }

    @inline(never)
    mutating func failType(_ node: NodePointer) -> Bool {
        fail(.schemaViolation, .type, expectation(node))
    }

    /// The type in words.
    func expectation(_ node: NodePointer) -> String {
        switch node.pointee.kind {
        case .union:
            let branches = (0..<Int(node.pointee.count)).map { index in
                let branch = plan.branches[Int(node.pointee.first) + index]
                return String(decoding: plan.text(plan.names[Int(branch.names)]), as: UTF8.self)
            }
            return "one of the types \(branches.joined(separator: ", "))"
        case .record: return "an object (record)"
        case .map: return "an object (map)"
        case .array: return "a list (array)"
        case .enum: return "a string (enum)"
        case .fixed: return "a string of \(node.pointee.count) characters U+0000...U+00FF (fixed)"
        case .bytes: return "a string of characters U+0000...U+00FF (bytes)"
        case .string: return "a string"
        case .boolean: return "a boolean"
        case .int, .long: return "an integer (\(node.pointee.kind.name))"
        case .float, .double: return "a number (\(node.pointee.kind.name))"
        case .null: return "null"
        }
    }

    @inline(never)
    mutating func failEnum(_ node: NodePointer) -> Bool {
        var symbols: [String] = []
        for index in 0..<min(Int(node.pointee.count), 20) {
            let name = plan.names[Int(node.pointee.names) + index]
            symbols.append(String(decoding: plan.text(name), as: UTF8.self))
        }
        if node.pointee.count > 20 { symbols.append("…") }
        return fail(.schemaViolation, .enum, "one of \(symbols.joined(separator: ", "))")
    }
}
