/// Compares two JSON Schemas keyword by keyword.
///
/// A keyword that asks for more than before breaks backward, one that asks for less breaks forward.
/// What is not understood here (combinations, references, conditions) breaks both where it differs:
/// it cannot be shown to be compatible. So nothing that breaks is passed over, but a change that
/// means the same may be told as one that breaks. Cost: linear in the documents, enumerations aside.
struct JSONSchemaComparison {
    private var changes: [ContractChange] = []

    /// Keywords that say nothing about what is valid.
    private static let annotations: Set<String> = [
        "title", "description", "$comment", "examples", "default", "deprecated", "readOnly",
        "writeOnly",
    ]
    /// Keywords that a greater number makes stricter, and those that it makes looser.
    private static let minima = [
        "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains",
    ]
    private static let maxima = [
        "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains",
    ]
    private static let understood: Set<String> = annotations.union(minima).union(maxima).union([
        "type", "enum", "const", "required", "properties", "items", "additionalProperties",
        "pattern", "format",
    ])

    static func compare(_ old: JSONValue, _ new: JSONValue) -> [ContractChange] {
        var comparison = JSONSchemaComparison()
        comparison.schema(old, new, "")
        return comparison.changes
    }

    private mutating func add(_ path: String, _ change: String, _ breaks: ContractChange.Break...) {
        guard changes.count <= ContractComparison.changeCountMax else { return }
        changes.append(ContractChange(path, change, breaks: breaks))
    }

    /// One schema within the documents; `path` is of the values that it is for.
    private mutating func schema(_ old: JSONValue, _ new: JSONValue, _ path: String) {
        guard !Self.isSame(old, new) else { return }
        guard case .object(let before) = Self.object(old),
            case .object(let after) = Self.object(new)
        else {
            return add(
                path, "schema changed: it cannot be shown to be compatible", .backward, .forward)
        }
        let one = JSONValue.object(before)
        let other = JSONValue.object(after)
        types(one, other, path)
        enumeration(one, other, path)
        for name in Self.minima { bound(name, one, other, path, isMinimum: true) }
        for name in Self.maxima { bound(name, one, other, path, isMinimum: false) }
        for name in ["pattern", "format"] { words(name, one, other, path) }
        required(one, other, path)
        properties(one, other, path)
        inner("items", one, other, path.isEmpty ? "*" : "\(path)/*")
        inner(
            "additionalProperties", one, other, path.isEmpty ? "*" : "\(path)/*",
            absent: (Self.more(one, path), Self.more(other, path)))
        var seen: Set<String> = []
        for name in (before + after).map(\.name)
        where !Self.understood.contains(name) && seen.insert(name).inserted {
            guard one[name] != other[name] else { continue }
            add(path, "\(name) changed: it cannot be shown to be compatible", .backward, .forward)
        }
    }

    /// Byte for byte: Strings take two spellings of a character for one, events do not.
    private static func isSame(_ old: JSONValue, _ new: JSONValue) -> Bool {
        old == new && old.bytes == new.bytes
    }

    private static func isSame(_ old: String, _ new: String) -> Bool {
        old.utf8.elementsEqual(new.utf8)
    }

    /// `true` is the schema of all values.
    private static func object(_ schema: JSONValue) -> JSONValue {
        schema == .bool(true) ? .object([]) : schema
    }

    // MARK: Keywords

    private mutating func types(_ old: JSONValue, _ new: JSONValue, _ path: String) {
        guard old["type"] != new["type"] else { return }
        switch (Self.names(old["type"]), Self.names(new["type"])) {
        case (nil, let after?):
            add(path, "type \(Self.list(after)) asked for now", .backward)
        case (let before?, nil):
            add(path, "type \(Self.list(before)) no longer asked for", .forward)
        case (let before?, let after?):
            let lost = before.filter { !Self.covers(after, $0) }
            let gained = after.filter { !Self.covers(before, $0) }
            if !lost.isEmpty { add(path, "type \(Self.list(lost)) no longer allowed", .backward) }
            if !gained.isEmpty { add(path, "type \(Self.list(gained)) allowed too", .forward) }
        case (nil, nil): break
        }
    }

    private static func names(_ type: JSONValue?) -> [String]? {
        switch type {
        case .string(let name)?: return [name]
        case .array(let items)?:
            return items.compactMap { item in
                if case .string(let name) = item { return name }
                return nil
            }
        default: return nil
        }
    }

    /// Integers are numbers.
    private static func covers(_ types: [String], _ type: String) -> Bool {
        types.contains(type) || type == "integer" && types.contains("number")
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: " or ") }

    /// `enum`, and `const` as an enumeration of one.
    private mutating func enumeration(_ old: JSONValue, _ new: JSONValue, _ path: String) {
        for name in ["enum", "const"] where old[name] != new[name] {
            guard let before = Self.alternatives(name, old) else {
                add(path, "\(name) asked for now", .backward)
                continue
            }
            guard let after = Self.alternatives(name, new) else {
                add(path, "\(name) no longer asked for", .forward)
                continue
            }
            let lost = before.filter { !after.contains($0) }.count
            let gained = after.filter { !before.contains($0) }.count
            if lost > 0 { add(path, "\(name): \(lost) values removed", .backward) }
            if gained > 0 { add(path, "\(name): \(gained) values added", .forward) }
        }
    }

    private static func alternatives(_ name: String, _ schema: JSONValue) -> Set<[UInt8]>? {
        guard let value = schema[name] else { return nil }
        guard name == "enum", case .array(let items) = value else { return [value.bytes] }
        return Set(items.map(\.bytes))
    }

    private mutating func bound(
        _ name: String, _ old: JSONValue, _ new: JSONValue, _ path: String, isMinimum: Bool
    ) {
        guard old[name] != new[name] else { return }
        // At least one is asked for where nothing is said.
        let unsaid: Double? = name == "minContains" ? 1 : nil
        switch (
            old[name].flatMap(Self.number) ?? unsaid, new[name].flatMap(Self.number) ?? unsaid
        ) {
        case (nil, _?): add(path, "\(name) asked for now", .backward)
        case (_?, nil): add(path, "\(name) no longer asked for", .forward)
        case (let before?, let after?):
            // Equal as doubles, but not the same number: both are said, as neither is shown.
            if before == after {
                add(path, "\(name) changed", .backward, .forward)
            } else if (after > before) == isMinimum {
                add(path, "\(name) is stricter", .backward)
            } else {
                add(path, "\(name) is looser", .forward)
            }
        case (nil, nil):
            add(path, "\(name) changed: it cannot be shown to be compatible", .backward, .forward)
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    private mutating func words(
        _ name: String, _ old: JSONValue, _ new: JSONValue, _ path: String
    ) {
        switch (old[name], new[name]) {
        case (nil, _?): add(path, "\(name) asked for now", .backward)
        case (_?, nil): add(path, "\(name) no longer asked for", .forward)
        case (let before?, let after?) where before != after:
            add(path, "\(name) changed: it cannot be shown to be compatible", .backward, .forward)
        default: break
        }
    }

    private mutating func required(_ old: JSONValue, _ new: JSONValue, _ path: String) {
        let before = Self.names(old["required"]) ?? []
        let after = Self.names(new["required"]) ?? []
        for name in after where !before.contains(where: { Self.isSame($0, name) }) {
            add(Self.join(path, name), "required now", .backward)
        }
        for name in before where !after.contains(where: { Self.isSame($0, name) }) {
            add(Self.join(path, name), "no longer required", .forward)
        }
    }

    private static func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : "\(path)/\(name)"
    }

    /// Properties by name. One that only one of them has is a constraint on what was free before, or
    /// is free now, unless other properties are not allowed there anyway.
    private mutating func properties(_ old: JSONValue, _ new: JSONValue, _ path: String) {
        var before: [JSONValue.Member] = []
        if case .object(let members)? = old["properties"] { before = members }
        var after: [JSONValue.Member] = []
        if case .object(let members)? = new["properties"] { after = members }
        for member in after {
            let place = Self.join(path, member.name)
            if let known = before.first(where: { Self.isSame($0.name, member.name) }) {
                schema(known.value, member.value, place)
            } else if Self.isClosed(old, path) {
                // The top level is closed by the product, not by its author: readers pass over more.
                path.isEmpty && old["additionalProperties"] == nil
                    ? add(place, "property added") : add(place, "property added", .forward)
            } else if Self.saysMore(old, path) {
                add(
                    place,
                    "property added, where others had a schema: it cannot be shown to be "
                        + "compatible", .backward, .forward)
            } else if Self.object(member.value) == .object([]) {
                add(place, "property added, of any value")
            } else {
                add(place, "property added, where any value was allowed", .backward)
            }
        }
        for member in before where !after.contains(where: { Self.isSame($0.name, member.name) }) {
            let place = Self.join(path, member.name)
            if Self.isClosed(new, path) {
                add(place, "property removed, and no longer allowed", .backward)
            } else if Self.saysMore(new, path) {
                add(
                    place,
                    "property removed, where others have a schema: it cannot be shown to be "
                        + "compatible", .backward, .forward)
            } else {
                add(place, "property removed: any value is allowed", .forward)
            }
        }
    }

    /// Whether properties that are not listed are refused. At the top level they are unless the
    /// schema says something about them.
    private static func isClosed(_ schema: JSONValue, _ path: String) -> Bool {
        if let more = schema["additionalProperties"] { return more == .bool(false) }
        let openers = ["unevaluatedProperties", "patternProperties", "propertyNames"]
        return path.isEmpty && openers.allSatisfy { schema[$0] == nil }
    }

    /// Whether properties that are not listed are held to something.
    private static func saysMore(_ schema: JSONValue, _ path: String) -> Bool {
        ["additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames"]
            .contains { name in
                guard let value = schema[name] else { return false }
                return object(value) != .object([])
            }
    }

    /// What properties that are not listed are held to where the schema does not say.
    private static func more(_ schema: JSONValue, _ path: String) -> JSONValue {
        .bool(!(schema["additionalProperties"] == nil && isClosed(schema, path)))
    }

    /// A schema for what is within a value.
    private mutating func inner(
        _ name: String, _ old: JSONValue, _ new: JSONValue, _ path: String,
        absent: (JSONValue, JSONValue) = (.bool(true), .bool(true))
    ) {
        let before = Self.object(old[name] ?? absent.0)
        let after = Self.object(new[name] ?? absent.1)
        guard !Self.isSame(before, after) else { return }
        switch (before, after) {
        case (.bool(false), _): add(path, "\(name) allowed now", .forward)
        case (_, .bool(false)): add(path, "\(name) no longer allowed", .backward)
        case (.object([]), _): add(path, "\(name) asked for now", .backward)
        case (_, .object([])): add(path, "\(name) no longer asked for", .forward)
        default: schema(before, after, path)
        }
    }
}
