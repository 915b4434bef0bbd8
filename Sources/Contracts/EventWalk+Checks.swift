import CRE2

// Validations: the checks of a place on the value there, and what `required-if` asks of the event.
// A check that meets a value of a type that it says nothing about refuses it: in Avro that cannot
// happen, since the types were compared when the contract was registered.

extension EventWalk {
    typealias RulesPointer = UnsafePointer<DecodingPlan.Rules>
    private typealias CheckPointer = UnsafePointer<DecodingPlan.Check>

    /// Holds a text to the checks of its place.
    @inline(__always)
    mutating func checkText(_ text: UnsafeRawBufferPointer, _ rules: RulesPointer) -> Bool {
        var check = plan.checks + Int(rules.pointee.checkStart)
        let end = check + Int(rules.pointee.checkCount)
        while check < end {
            guard isRight(text, check) else { return failCheck(check.pointee.validation) }
            check += 1
        }
        return true
    }

    /// Holds an integer to the checks of its place.
    mutating func checkInteger(_ number: Int64, _ rules: RulesPointer) -> Bool {
        let start = Int(rules.pointee.checkStart)
        for index in start..<(start + Int(rules.pointee.checkCount)) {
            let check = plan.checks + index
            let isRight: Bool
            switch check.pointee.kind {
            case .range:
                let bounds = plan.ranges + Int(check.pointee.first)
                isRight =
                    number >= bounds.pointee.integerLow && number <= bounds.pointee.integerHigh
            case .enumeration: isRight = isOne(number, check)
            case .condition:
                isRight = true
                if isOne(number, check) { meet(check) }
            default: isRight = false
            }
            guard isRight else { return failCheck(check.pointee.validation) }
        }
        return true
    }

    /// Holds a number that is no 64-bit integer to the checks of its place.
    mutating func checkDouble(_ number: Double, _ rules: RulesPointer) -> Bool {
        let start = Int(rules.pointee.checkStart)
        for index in start..<(start + Int(rules.pointee.checkCount)) {
            let check = plan.checks + index
            let isRight: Bool
            switch check.pointee.kind {
            case .range:
                let bounds = plan.ranges[Int(check.pointee.first)]
                let isAbove = bounds.isLowExclusive ? number > bounds.low : number >= bounds.low
                let isBelow = bounds.isHighExclusive ? number < bounds.high : number <= bounds.high
                isRight = isAbove && isBelow
            case .enumeration: isRight = isOne(number, check)
            case .condition:
                isRight = true
                if isOne(number, check) { meet(check) }
            default: isRight = false
            }
            guard isRight else { return failCheck(check.pointee.validation) }
        }
        return true
    }

    mutating func checkBoolean(_ flag: Bool, _ rules: RulesPointer) -> Bool {
        let mask: UInt8 = flag ? 0x80 : 0x40
        let start = Int(rules.pointee.checkStart)
        for index in start..<(start + Int(rules.pointee.checkCount)) {
            let check = plan.checks + index
            let isOne = check.pointee.detail & mask != 0
            switch check.pointee.kind {
            case .condition: if isOne { meet(check) }
            case .enumeration where isOne: break
            default: return failCheck(check.pointee.validation)
            }
        }
        return true
    }

    /// A value is present at a place that `required-if` asks for or about.
    @inline(__always)
    mutating func notePresence(_ rules: RulesPointer) {
        present |= rules.pointee.requirements
        conditions |= rules.pointee.presences
    }

    /// Whether every field that a `required-if` asks for is present; called once, behind the event's
    /// last value.
    @inline(__always)
    mutating func meetsRequirements() -> Bool {
        conditions & ~present == 0 ? true : failRequirement()
    }
}

extension EventWalk {
    @inline(__always)
    private mutating func isRight(_ text: UnsafeRawBufferPointer, _ check: CheckPointer) -> Bool {
        switch check.pointee.kind {
        case .regex:
            let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return strm_re2_matches_whole(
                plan.expressions[Int(check.pointee.first)], bytes, text.count)
        case .enumeration: return isOne(text, check)
        case .length: return hasLength(text, check)
        case .format:
            return StringFormat(rawValue: check.pointee.detail)?.matches(text) ?? false
        case .condition:
            if isOne(text, check) { meet(check) }
            return true
        case .range: return false
        }
    }

    private func isOne(_ text: UnsafeRawBufferPointer, _ check: CheckPointer) -> Bool {
        plan.find(
            text, names: check.pointee.first, table: check.pointee.table,
            mask: check.pointee.tableMask) != nil
    }

    private func isOne(_ number: Int64, _ check: CheckPointer) -> Bool {
        Self.contains(
            plan.integers + Int(check.pointee.integerStart), Int(check.pointee.integerCount), number
        )
    }

    private func isOne(_ number: Double, _ check: CheckPointer) -> Bool {
        Self.contains(
            plan.doubles + Int(check.pointee.doubleStart), Int(check.pointee.doubleCount), number)
    }

    /// Binary search in an ascending list.
    private static func contains<T: Comparable>(
        _ list: UnsafePointer<T>, _ count: Int, _ value: T
    ) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && list[low] == value
    }

    private mutating func meet(_ check: CheckPointer) {
        conditions |= 1 << UInt64(check.pointee.detail & 0x3f)
    }

    /// Code points, which take one to four bytes: mostly the bytes decide.
    private func hasLength(_ text: UnsafeRawBufferPointer, _ check: CheckPointer) -> Bool {
        let least = Int(check.pointee.first)
        let greatest = Int(check.pointee.count)
        if text.count <= greatest, text.count >= 4 * least { return true }
        guard text.count >= least, text.count / 4 <= greatest else { return false }
        var count = 0
        for byte in text where byte & 0xc0 != 0x80 { count += 1 }
        return count >= least && count <= greatest
    }

    @inline(never)
    private mutating func failCheck(_ index: UInt16) -> Bool {
        let validation = plan.validations[Int(index)]
        return fail(validation, at: nil)
    }

    @inline(never)
    private mutating func failRequirement() -> Bool {
        let missing = conditions & ~present
        for index in 0..<plan.validationCount {
            let validation = plan.validations[index]
            guard validation.rule == .requiredIf, missing & 1 << UInt64(validation.bit) != 0 else {
                continue
            }
            return fail(validation, at: string(validation.pointer))
        }
        return false
    }

    private mutating func fail(
        _ validation: DecodingPlan.ValidationText, at pointer: String?
    ) -> Bool {
        let message = string(validation.message)
        return fail(
            Refusal(
                kind: .contractViolation, pointer: pointer ?? self.pointer(),
                place: pointer ?? place(), rule: validation.rule,
                expected: string(validation.expected),
                ruleID: string(validation.id), message: message.isEmpty ? nil : message))
    }

    private func string(_ text: DecodingPlan.ValidationText.Text) -> String {
        let bytes = UnsafeRawBufferPointer(
            start: plan.bytes + Int(text.start), count: Int(text.count))
        return String(decoding: bytes, as: UTF8.self)
    }
}
