/// Names one version of a schema: `handle/name/version`, each part checked (``ReferenceName``).
package struct SchemaRef: Hashable, Sendable {
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

extension SchemaRef: CustomStringConvertible {
    package var description: String { "\(handle)/\(name)/\(version)" }
}

extension SchemaRef: Codable {
    /// One string, `handle/name/version`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let ref = SchemaRef(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a schema reference is handle/name/version")
        }
        self = ref
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
