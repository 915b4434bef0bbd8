/// Names one version of a contract: `handle/name/version`, each part checked (``ReferenceName``).
package struct ContractRef: Hashable, Sendable {
    package let handle: String
    package let name: String
    package let version: String

    /// Nil unless the text is `handle/name/version` and each part is well formed.
    package init?(_ text: String) {
        guard let (handle, name, version) = ReferenceName.split(text) else { return nil }
        self.handle = handle
        self.name = name
        self.version = version
    }
}

extension ContractRef: CustomStringConvertible {
    package var description: String { "\(handle)/\(name)/\(version)" }
}

extension ContractRef: Codable {
    /// One string, `handle/name/version`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let ref = ContractRef(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a contract reference is handle/name/version")
        }
        self = ref
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
