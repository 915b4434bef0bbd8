import CRE2

// Constants, numbers and strings.

extension JSONSchemaEvaluator {
    /// `enum` and `const`: the hash of the value, computed once, tells which constant to compare.
    mutating func isConstant(_ index: Int, _ operation: OperationPointer) -> Bool {
        let first = Int(operation.pointee.a)
        let end = first + Int(operation.pointee.b)
        guard spend(tape.next(index) - index) else { return false }
        let type = Self.type(tape, index)
        if operation.pointee.b == 1, program.constants[first].type != type {
            return failConstant(index, operation)
        }
        let hash = TapeValue.hash(tape, index, seed: program.seed)
        // The first of the constants, in the order of their hashes, that has this one or a greater.
        var low = first
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if program.constants[Int(program.byHash[middle])].hash < hash {
                low = middle + 1
            } else {
                high = middle
            }
        }
        while low < end {
            let constant = program.constants[Int(program.byHash[low])]
            guard constant.hash == hash else { break }
            if TapeValue.isEqual(tape, index, program.constantTape, Int(constant.index)) {
                return true
            }
            low += 1
        }
        return failConstant(index, operation)
    }

    private mutating func failConstant(_ index: Int, _ operation: OperationPointer) -> Bool {
        fail(operation.pointee.code == .const ? .const : .enum, index, operation)
    }

    mutating func number(_ index: Int, _ operation: OperationPointer) -> Bool {
        let at = Int(operation.pointee.a)
        let number = JSONNumber(tape, index)
        if operation.pointee.code == .multipleOf {
            return number.isMultiple(of: program.divisors[at])
                || fail(.multipleOf, index, operation)
        }
        let order = number.compared(to: program.numbers[at])
        let isRight =
            switch operation.pointee.code {
            case .minimum: order >= 0
            case .maximum: order <= 0
            case .exclusiveMinimum: order > 0
            default: order < 0
            }
        return isRight || fail(.range, index, operation)
    }

    mutating func string(_ index: Int, _ operation: OperationPointer) -> Bool {
        let text = tape.string(index)
        guard spend(text.count / 64) else { return false }
        switch operation.pointee.code {
        case .minLength:
            return Self.codePointCount(text) >= Int(operation.pointee.a)
                || fail(.length, index, operation)
        case .maxLength:
            return text.count <= Int(operation.pointee.a)
                || Self.codePointCount(text) <= Int(operation.pointee.a)
                || fail(.length, index, operation)
        case .pattern:
            return matches(text, Int(operation.pointee.a)) || fail(.regex, index, operation)
        default:
            guard let format = StringFormat(rawValue: UInt8(operation.pointee.a)) else {
                return true
            }
            return format.matches(text) || fail(.format, index, operation)
        }
    }

    /// Whether some part of the text matches a pattern.
    func matches(_ text: UnsafeRawBufferPointer, _ pattern: Int) -> Bool {
        strm_re2_matches_part(
            program.expressions[pattern], text.baseAddress?.assumingMemoryBound(to: UInt8.self),
            text.count)
    }

    /// Code points of valid UTF-8.
    static func codePointCount(_ text: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in text where byte & 0xc0 != 0x80 { count += 1 }
        return count
    }
}
