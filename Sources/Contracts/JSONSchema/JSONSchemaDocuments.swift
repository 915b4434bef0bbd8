/// The documents that a schema may refer to by URI. Nothing else is ever fetched.
///
/// Always holds the meta-schemas of draft 2020-12, with their vocabularies, and of draft-07.
struct JSONSchemaDocuments: Sendable {
    /// By URI without fragment.
    private var documents: [String: JSONValue]

    /// The meta-schemas alone.
    static let standard: JSONSchemaDocuments = {
        var known = JSONSchemaDocuments(documents: [:])
        for text in JSONSchemaMeta2020.texts + [JSONSchemaMeta7.text] {
            guard let value = try? JSONValue.parse(Array(text.utf8), pointer: ""),
                case .string(let uri)? = value["$id"]
            else { preconditionFailure("a meta-schema of ours cannot be read") }
            known.register(value, uri: uri)
        }
        return known
    }()

    /// Makes a document known under a URI, in place of one that was.
    mutating func register(_ value: JSONValue, uri: String) {
        documents[URIReference(uri).absoluteText] = value
    }

    /// The document of that URI without fragment.
    subscript(uri: String) -> JSONValue? { documents[uri] }
}
