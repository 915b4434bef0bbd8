import CSimdJSON

// The walk over an event in Avro binary. Every length is checked against what is left before it is
// used, and every count against the least that so many items must take, so that work and memory are
// bounded by the body.

extension EventWalk {
    /// Checks and writes the whole event, which must end where the text ends.
    mutating func walkBinary(_ body: UnsafeRawBufferPointer) -> Bool {
        binary = BinaryCursor(body)
        guard binaryValue(plan.nodes + plan.root) else { return false }
        guard binary.remaining == 0 else {
            return fail(.malformedBody, .trailingBytes, "nothing behind the event")
        }
        return true
    }

    private mutating func binaryValue(_ node: NodePointer) -> Bool {
        switch node.pointee.kind {
        case .null: return put("null")
        case .boolean:
            guard let byte = binary.byte(), byte <= 1 else {
                return failBinary("a boolean: one byte, 0 or 1")
            }
            return putBoolean(byte == 1, node)
        case .int, .long:
            guard let number = binary.long() else {
                return failBinary("a number: a varint of at most 64 bits")
            }
            return putInteger(number, node)
        case .float:
            guard let number = binary.float() else { return failBinary("a float: 4 bytes") }
            return putDouble(Double(number), node)
        case .double:
            guard let number = binary.double() else { return failBinary("a double: 8 bytes") }
            return putDouble(number, node)
        case .string:
            guard let text = binary.prefixed() else { return failLength() }
            guard isUTF8(text) else { return failUTF8() }
            return putString(text, node)
        case .bytes:
            guard let bytes = binary.prefixed() else { return failLength() }
            return putBytes(bytes, node)
        case .fixed:
            guard let bytes = binary.bytes(Int(node.pointee.count)) else {
                return failBinary("a fixed value: \(node.pointee.count) bytes")
            }
            return putBytes(bytes, node)
        case .enum:
            guard let index = binary.long(), index >= 0, index < Int64(node.pointee.count) else {
                return failBinary("an enum: the index of a symbol, below \(node.pointee.count)")
            }
            return putSymbol(Int(index), node)
        case .union:
            guard let index = binary.long(), index >= 0, index < Int64(node.pointee.count) else {
                return failBinary("a union: the index of a branch, below \(node.pointee.count)")
            }
            let branch = plan.branches[Int(node.pointee.first) + Int(index)]
            return binaryValue(plan.nodes + Int(branch.node))
        case .record: return binaryRecord(node)
        case .array: return binaryArray(node)
        case .map: return binaryMap(node)
        }
    }

    private mutating func binaryRecord(_ node: NodePointer) -> Bool {
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        for position in 0..<Int(node.pointee.count) {
            at(.name(Int(node.pointee.names) + position))
            let field = plan.fields + Int(node.pointee.first) + position
            guard putName(field, isFirst: position == 0) else { return false }
            let inner = plan.nodes + Int(field.pointee.node)
            let role = field.pointee.role
            if role.isFilled {
                let start = output.count
                let spanCount = spans.count
                guard binaryValue(inner) else { return false }
                markInsertion(role, from: start, spanCount: spanCount)
            } else if role == .consentLevels {
                guard binaryConsent(inner) else { return false }
            } else {
                guard binaryValue(inner) else { return false }
            }
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        leave()
        return true
    }

    private mutating func binaryArray(_ node: NodePointer) -> Bool {
        let item = plan.nodes + Int(node.pointee.first)
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "["))
        var blocks = BlockReader()
        var count = 0
        while true {
            guard let block = nextBlock(&blocks, item) else { return false }
            if block == 0 { break }
            for _ in 0..<block {
                at(.item(count))
                if count > 0 {
                    guard reserve(1) else { return false }
                    put(UInt8(ascii: ","))
                }
                guard binaryValue(item) else { return false }
                count += 1
            }
        }
        guard reserve(1) else { return false }
        put(UInt8(ascii: "]"))
        leave()
        return true
    }

    private mutating func binaryMap(_ node: NodePointer) -> Bool {
        let item = plan.nodes + Int(node.pointee.first)
        guard enter(), reserve(1) else { return false }
        put(UInt8(ascii: "{"))
        let firstKey = mapKeys.count
        var blocks = BlockReader(keyBytes: 1)
        while true {
            guard let block = nextBlock(&blocks, item) else { return false }
            if block == 0 { break }
            for _ in 0..<block {
                guard let name = binary.prefixed() else { return failLength() }
                guard isUTF8(name) else { return failUTF8() }
                let isFirst = mapKeys.count == firstKey
                guard addKey(name, first: firstKey), putKey(name, isFirst: isFirst),
                    binaryValue(item)
                else { return false }
            }
        }
        guard checkKeys(from: firstKey), reserve(1) else { return false }
        put(UInt8(ascii: "}"))
        leave()
        return true
    }

    private mutating func binaryConsent(_ node: NodePointer) -> Bool {
        guard enter() else { return false }
        var blocks = BlockReader()
        var count = 0
        while true {
            guard let block = nextBlock(&blocks, plan.nodes + Int(node.pointee.first)) else {
                return false
            }
            if block == 0 { break }
            for _ in 0..<block {
                at(.item(count))
                guard let number = binary.long() else {
                    return failBinary("a number: a varint of at most 64 bits")
                }
                guard addConsent(number) else { return false }
                count += 1
            }
        }
        leave()
        return putConsent()
    }
}

// MARK: - Blocks

extension EventWalk {
    /// Where an array or map stands between its blocks.
    private struct BlockReader {
        /// Items so far.
        var count: Int64 = 0
        /// Least bytes of an item's key: 0 in arrays, 1 in maps.
        var keyBytes: Int64 = 0
        /// What was left of the text when a block with a stated size began, and that size; -1:
        /// none.
        var remainingAtStart = 0
        var statedSize: Int64 = -1
    }

    /// Items of the next block, 0 at the end; nil: refused. A block may state its size in bytes
    /// (its count is then negative): what it holds has to take exactly that.
    private mutating func nextBlock(_ reader: inout BlockReader, _ item: NodePointer) -> Int? {
        if reader.statedSize >= 0 {
            let used = Int64(reader.remainingAtStart - binary.remaining)
            guard used == reader.statedSize else {
                _ = failBinary("a block of as many bytes as it states")
                return nil
            }
        }
        reader.statedSize = -1
        guard var count = binary.long(), count != Int64.min else {
            _ = failBinary("a count of items")
            return nil
        }
        if count < 0 {
            count = -count
            guard let size = binary.long(), size >= 0, size <= Int64(binary.remaining) else {
                _ = failBinary("the size of a block, within what is left of the event")
                return nil
            }
            reader.statedSize = size
            reader.remainingAtStart = binary.remaining
        }
        guard isCountPossible(count, reader, item) else {
            _ = fail(.malformedBody, .itemCount, "no more items than what is left can hold")
            return nil
        }
        reader.count += count
        return Int(count)
    }

    private func isCountPossible(
        _ count: Int64, _ reader: BlockReader, _ item: NodePointer
    ) -> Bool {
        let size = Int64(item.pointee.minimumSize) + reader.keyBytes
        // In this order nothing overflows: count is small before it is added or multiplied.
        guard count <= Int64(limits.itemCountMax),
            reader.count + count <= Int64(limits.itemCountMax)
        else { return false }
        if size == 0 { return reader.count + count <= Int64(limits.emptyItemCountMax) }
        return count * size <= Int64(binary.remaining)
    }

    @inline(__always)
    private func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return true }
        return strm_utf8_is_valid(base.assumingMemoryBound(to: UInt8.self), text.count)
    }

    @inline(never)
    private mutating func failLength() -> Bool {
        failBinary("a length that is not negative and within what is left of the event")
    }

    @inline(never)
    private mutating func failUTF8() -> Bool {
        fail(.malformedBody, .utf8, "valid UTF-8")
    }

    @inline(never)
    private mutating func failBinary(_ expected: String) -> Bool {
        fail(.malformedBody, .avro, expected)
    }
}

// MARK: - Which contract

extension EventWalk {
    /// The bytes of `strmMeta.eventContractRef`, found without writing anything: values before it
    /// are passed over. Nil: the text ends, or is not of this schema; the walk with the right plan
    /// would say where.
    static func contractRef(
        in body: UnsafeRawBufferPointer, plan: PlanView, limits: EventLimits
    ) -> UnsafeRawBufferPointer? {
        var finder = BinaryFinder(plan: plan, limits: limits, cursor: BinaryCursor(body))
        return finder.find()
    }
}
