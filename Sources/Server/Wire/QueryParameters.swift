import Store

/// The query of a request, read exactly: an unknown or repeated parameter is refused, so that a
/// misspelt filter never reads as "no filter".
struct QueryParameters {
    private var values: [String: String] = [:]

    init(_ query: String, allowed: [String]) throws(Problem) {
        guard let pairs = FormText.pairs(query) else {
            throw .invalid("query", expected: "percent-encoded UTF-8")
        }
        for (name, value) in pairs {
            guard allowed.contains(name) else {
                let known = allowed.isEmpty ? "no parameters" : allowed.joined(separator: ", ")
                throw .invalid("query", expected: "only \(known)")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalid(name, expected: "one value")
            }
        }
    }

    func text(_ name: String) throws(Problem) -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty else { throw .invalid(name, expected: "a text") }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = values[name] else { return nil }
        guard let number = Self.integer(value), range.contains(number) else {
            throw .invalid(
                name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func seconds(_ name: String, in range: ClosedRange<Double>) throws(Problem) -> Double? {
        guard let value = values[name] else { return nil }
        guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
            let number = Double(value), range.contains(number)
        else {
            throw .invalid(
                name,
                expected: "seconds from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return number
    }

    func flag(_ name: String) throws(Problem) -> Bool? {
        switch values[name] {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw .invalid(name, expected: "true or false")
        }
    }

    /// Milliseconds since 1970 in digits, or an RFC 3339 time.
    func time(_ name: String) throws(Problem) -> Milliseconds? {
        guard let value = values[name] else { return nil }
        if let number = Self.integer(value), number >= 0, number <= WireTime.millisecondsMax {
            return Milliseconds(number)
        }
        guard let time = WireTime.parse(value) else {
            throw .invalid(
                name, expected: "milliseconds since 1970 or a time such as 2026-11-23T10:00:00Z")
        }
        return time
    }

    /// ASCII digits only: Swift's own parser also takes a plus sign.
    private static func integer(_ text: String) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
