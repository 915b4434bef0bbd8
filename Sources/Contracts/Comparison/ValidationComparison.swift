/// Compares the validations of two versions of a contract.
///
/// A tighter rule breaks backward: values that passed are refused. A looser one breaks privacy: it
/// may have kept personal data out of a field. What cannot be shown to be either (another regex,
/// another format) is both.
struct ValidationComparison {
    typealias Validation = ContractDocument.Validation

    private var changes: [ContractChange] = []

    /// - Parameter isThere: whether the new schema still has a value at a path.
    static func compare(
        _ old: [Validation], _ new: [Validation], isThere: (String) -> Bool
    ) -> [ContractChange] {
        var comparison = ValidationComparison()
        var left = new
        for rule in old {
            guard let at = left.firstIndex(where: { isSame(rule, $0) }) ?? fallback(rule, left)
            else {
                // Of a field that is gone there is nothing to refuse.
                comparison.add(
                    rule, "validation \(rule.id) removed", isLooser: isThere(rule.path))
                continue
            }
            comparison.pair(rule, left.remove(at: at))
        }
        for rule in left { comparison.add(rule, "validation \(rule.id) added", isTighter: true) }
        return comparison.changes
    }

    /// The author's id tells which rule became which, if the type and the field stayed.
    private static func isSame(_ one: Validation, _ other: Validation) -> Bool {
        one.hasOwnID && other.hasOwnID && one.id == other.id && fits(one, other)
    }

    private static func fits(_ one: Validation, _ other: Validation) -> Bool {
        one.check.rule == other.check.rule && one.path == other.path
    }

    /// Without it: the same rule if there is one, else the first of its type on the field.
    private static func fallback(_ rule: Validation, _ left: [Validation]) -> Int? {
        left.firstIndex { fits(rule, $0) && rule.check == $0.check }
            ?? left.firstIndex { fits(rule, $0) }
    }

    private mutating func add(
        _ rule: Validation, _ change: String, isTighter: Bool = false, isLooser: Bool = false
    ) {
        let breaks: [ContractChange.Break] =
            (isTighter ? [.backward] : []) + (isLooser ? [.privacy] : [])
        changes.append(ContractChange(rule.path, change, breaks: breaks))
    }

    private mutating func pair(_ old: Validation, _ new: Validation) {
        guard old.check != new.check else { return }
        let name = "validation \(new.id)"
        switch (old.check, new.check) {
        case (.enumeration(let before), .enumeration(let after)):
            let added = after.filter { !before.contains($0) }.count
            let removed = before.filter { !after.contains($0) }.count
            add(
                new, "\(name): \(added) values added, \(removed) removed", isTighter: removed > 0,
                isLooser: added > 0)
        case (.range(let before), .range(let after)): range(name, new, before, after)
        case (.length(let least, let most), .length(let newLeast, let newMost)):
            bounds(
                name, new, isLowRaised: (newLeast ?? 0) > (least ?? 0),
                isLowLowered: (newLeast ?? 0) < (least ?? 0),
                isHighLowered: (newMost ?? .max) < (most ?? .max),
                isHighRaised: (newMost ?? .max) > (most ?? .max))
        case (.requiredIf(let before), .requiredIf(let after)):
            condition(name, new, before, after)
        default:
            add(
                new, "\(name) changed: it cannot be shown to be as strict", isTighter: true,
                isLooser: true)
        }
    }

    private mutating func range(
        _ name: String, _ rule: Validation, _ old: NumberRange, _ new: NumberRange
    ) {
        let before = old.doubles
        let after = new.doubles
        // As doubles the bounds of large integers can be equal without being so: then the integers
        // decide.
        let least = (old.integers?.lowerBound ?? .min, new.integers?.lowerBound ?? .min)
        let most = (old.integers?.upperBound ?? .max, new.integers?.upperBound ?? .max)
        bounds(
            name, rule,
            isLowRaised: (after.low, after.isLowExclusive ? 1 : 0)
                > (before.low, before.isLowExclusive ? 1 : 0)
                || after.low == before.low && least.1 > least.0,
            isLowLowered: (after.low, after.isLowExclusive ? 1 : 0)
                < (before.low, before.isLowExclusive ? 1 : 0)
                || after.low == before.low && least.1 < least.0,
            isHighLowered: (after.high, after.isHighExclusive ? 0 : 1)
                < (before.high, before.isHighExclusive ? 0 : 1)
                || after.high == before.high && most.1 < most.0,
            isHighRaised: (after.high, after.isHighExclusive ? 0 : 1)
                > (before.high, before.isHighExclusive ? 0 : 1)
                || after.high == before.high && most.1 > most.0)
    }

    private mutating func bounds(
        _ name: String, _ rule: Validation, isLowRaised: Bool, isLowLowered: Bool,
        isHighLowered: Bool, isHighRaised: Bool
    ) {
        let isTighter = isLowRaised || isHighLowered
        let isLooser = isLowLowered || isHighRaised
        let word = isTighter && isLooser ? "moved" : isTighter ? "narrowed" : "widened"
        // `min: 1` and `min: 1.0` are the same bound.
        guard isTighter || isLooser else { return }
        add(
            rule, "\(name) \(word): \(rule.expected)", isTighter: isTighter, isLooser: isLooser)
    }

    private mutating func condition(
        _ name: String, _ rule: Validation, _ old: Validation.Condition, _ new: Validation.Condition
    ) {
        let change = "\(name): \(rule.expected)"
        guard old.path == new.path else {
            return add(rule, change, isTighter: true, isLooser: true)
        }
        switch (old.values, new.values) {
        case (let before?, let after?):
            add(
                rule, change, isTighter: after.contains { !before.contains($0) },
                isLooser: before.contains { !after.contains($0) })
        case (nil, .some): add(rule, change, isLooser: true)
        default: add(rule, change, isTighter: true)
        }
    }
}
