import ArgumentParser

/// `--mask example/clickstream:customer/email` or `…:customer/email,murmur3=42`.
struct MaskOption: ExpressibleByArgument {
    var contract: String
    var field: String
    /// Chooses murmur3; nil: HMAC-SHA-256 under a seed that the server makes.
    var seed: UInt32?

    init?(argument: String) {
        guard let colon = argument.firstIndex(of: ":") else { return nil }
        contract = String(argument[..<colon])
        var rest = argument[argument.index(after: colon)...]
        let weak = ",murmur3="
        if let place = rest.ranges(of: weak).last {
            guard let number = UInt32(rest[place.upperBound...]) else { return nil }
            seed = number
            rest = rest[..<place.lowerBound]
        }
        field = String(rest)
        let parts = contract.split(separator: "/", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), !field.isEmpty else { return nil }
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "contract": .string(contract), "field": .string(field),
            "type": .string(seed == nil ? "hmac-sha256" : "murmur3"),
        ]
        if let seed { members["seed"] = .integer(Int64(seed)) }
        return .object(members)
    }
}
