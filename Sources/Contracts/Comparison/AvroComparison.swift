/// Compares two Avro schemas by the rules of schema resolution
/// (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution): whether the new one reads
/// what the old one wrote, and the other way round.
///
/// Three rules are stricter, since events come as JSON too: a default that is taken away breaks
/// senders that rely on it, a field that is removed those who go on sending it, and a string holds
/// characters that bytes do not. `strmMeta` is passed over: its types are given.
/// Cost: linear in the pairs of types that meet; each pair is compared at its first place only.
struct AvroComparison {
    private let old: AvroSchema
    private let new: AvroSchema
    private var changes: [ContractChange] = []
    private var compared: Set<Pair> = []
    /// Types within types, and whether there were deeper ones than an event can have.
    private var depth = 0
    private var isCut = false

    private struct Pair: Hashable {
        let old: Int
        let new: Int
    }

    static func compare(_ old: AvroSchema, _ new: AvroSchema) -> [ContractChange] {
        var comparison = AvroComparison(old: old, new: new)
        comparison.record(old.root, new.root, "")
        if comparison.isCut {
            comparison.add(
                "", "types within types beyond what an event can hold: they were not compared",
                .backward, .forward)
        }
        return comparison.changes
    }

    private init(old: AvroSchema, new: AvroSchema) {
        self.old = old
        self.new = new
    }

    private mutating func add(
        _ path: String, _ change: String, _ breaks: ContractChange.Break...
    ) {
        // The list is cut anyway; two schemas at their limits must not fill the memory.
        guard changes.count <= ContractComparison.changeCountMax else { return }
        changes.append(ContractChange(path, change, breaks: breaks))
    }

    private mutating func values(_ before: Int, _ after: Int, _ path: String) {
        let one = old.nodes[before]
        let other = new.nodes[after]
        guard depth < EventLimits.depthMax else {
            isCut = true
            return
        }
        depth += 1
        defer { depth -= 1 }
        guard compared.insert(Pair(old: before, new: after)).inserted else { return }
        if one.kind == .union || other.kind == .union {
            return union(before, after, path)
        }
        guard one.kind == other.kind else { return types(one.kind, other.kind, path) }
        switch one.kind {
        case .record: record(before, after, path)
        case .enum: enumeration(one, other, path)
        case .array, .map: values(one.item, other.item, path.isEmpty ? "*" : "\(path)/*")
        case .fixed:
            names(one, other, path)
            if one.size != other.size {
                add(path, "size changed from \(one.size) to \(other.size)", .backward, .forward)
            }
        default: break
        }
    }

    /// Types of different kinds: fine in the directions in which the one is promoted to the other.
    private mutating func types(
        _ before: AvroSchema.Kind, _ after: AvroSchema.Kind, _ path: String
    ) {
        let change = "type changed from \(before.name) to \(after.name)"
        switch (Self.isPromoted(before, to: after), Self.isPromoted(after, to: before)) {
        case (true, true): add(path, change)
        case (true, false): add(path, change, .forward)
        case (false, true): add(path, change, .backward)
        case (false, false): add(path, change, .backward, .forward)
        }
    }

    private static func isPromoted(_ from: AvroSchema.Kind, to: AvroSchema.Kind) -> Bool {
        switch (from, to) {
        case (.int, .long), (.int, .float), (.int, .double), (.long, .float), (.long, .double),
            (.float, .double), (.bytes, .string):
            true
        default: false
        }
    }

    // MARK: Named types

    /// Resolution asks for the same unqualified name, or for an alias of the reader.
    private mutating func names(
        _ before: AvroSchema.Node, _ after: AvroSchema.Node, _ path: String
    ) {
        guard Self.unqualified(before.fullName) != Self.unqualified(after.fullName) else { return }
        let change = "type renamed from \(before.fullName) to \(after.fullName)"
        switch (after.aliases.contains(before.fullName), before.aliases.contains(after.fullName)) {
        case (true, true): add(path, change)
        case (true, false): add(path, change, .forward)
        case (false, true): add(path, change, .backward)
        case (false, false): add(path, change, .backward, .forward)
        }
    }

    private static func unqualified(_ name: String) -> Substring {
        name.split(separator: ".").last ?? ""
    }

    private mutating func enumeration(
        _ before: AvroSchema.Node, _ after: AvroSchema.Node, _ path: String
    ) {
        names(before, after, path)
        let kept = Set(before.symbols).intersection(after.symbols)
        for symbol in before.symbols where !kept.contains(symbol) {
            add(path, "symbol \(symbol) removed", .backward)
        }
        for symbol in after.symbols where !kept.contains(symbol) {
            add(path, "symbol \(symbol) added", .forward)
        }
    }

    private mutating func record(_ before: Int, _ after: Int, _ path: String) {
        let one = old.nodes[before]
        let other = new.nodes[after]
        names(one, other, path)
        let isRoot = path.isEmpty
        let byName = Dictionary(
            one.fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var matched: Set<Int> = []
        for field in other.fields where !(isRoot && field.name == "strmMeta") {
            let place = isRoot ? field.name : "\(path)/\(field.name)"
            let index = byName[field.name] ?? field.aliases.compactMap { byName[$0] }.first
            guard let index else {
                if field.defaultValue == nil {
                    add(place, "added, without a default", .backward)
                } else {
                    add(place, "added, with a default")
                }
                continue
            }
            matched.insert(index)
            self.field(one.fields[index], field, place)
        }
        for (index, field) in one.fields.enumerated() where !matched.contains(index) {
            guard !(isRoot && field.name == "strmMeta") else { continue }
            let place = isRoot ? field.name : "\(path)/\(field.name)"
            if field.defaultValue == nil {
                add(place, "removed; it had no default", .backward, .forward)
            } else {
                add(place, "removed; it had a default", .backward)
            }
        }
    }

    private mutating func field(
        _ before: AvroSchema.Field, _ after: AvroSchema.Field, _ path: String
    ) {
        if before.name != after.name {
            let change = "renamed from \(before.name), which is an alias now"
            if before.aliases.contains(after.name) {
                add(path, change)
            } else {
                add(path, change, .forward)
            }
        }
        switch (before.defaultValue, after.defaultValue) {
        case (.some, nil): add(path, "default removed", .backward)
        case (nil, .some): add(path, "default added")
        case (let one?, let other?) where one != other: add(path, "default changed")
        default: break
        }
        values(before.node, after.node, path)
    }

    // MARK: Unions

    /// A type that is no union counts as one of a single branch.
    private mutating func union(_ before: Int, _ after: Int, _ path: String) {
        let olds = old.nodes[before].kind == .union ? old.nodes[before].branches : [before]
        let news = new.nodes[after].kind == .union ? new.nodes[after].branches : [after]
        var matched: Set<Int> = []
        for branch in olds {
            if let same = news.first(where: { isSame(branch, $0) }) {
                matched.insert(same)
                values(branch, same, path)
            } else if let wider = news.first(where: {
                Self.isPromoted(old.nodes[branch].kind, to: new.nodes[$0].kind)
            }) {
                add(path, "\(old.branchName(branch)) is taken as \(new.branchName(wider)) now")
            } else {
                add(path, "\(old.branchName(branch)) no longer allowed", .backward)
            }
        }
        for branch in news where !matched.contains(branch) {
            let isReadable = olds.contains {
                Self.isPromoted(new.nodes[branch].kind, to: old.nodes[$0].kind)
            }
            if isReadable {
                add(path, "\(new.branchName(branch)) allowed too")
            } else {
                add(path, "\(new.branchName(branch)) allowed too", .forward)
            }
        }
    }

    private func isSame(_ before: Int, _ after: Int) -> Bool {
        let one = old.nodes[before]
        let other = new.nodes[after]
        guard one.kind == other.kind else { return false }
        switch one.kind {
        case .record, .enum, .fixed:
            return Self.unqualified(one.fullName) == Self.unqualified(other.fullName)
                || other.aliases.contains(one.fullName) || one.aliases.contains(other.fullName)
        default: return true
        }
    }
}
