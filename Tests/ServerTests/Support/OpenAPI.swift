import Foundation
import Yams

/// The parts of the OpenAPI document that tests look at.
struct OpenAPI {
    struct Malformed: Error {}

    /// `GET /v1/streams/{stream}`
    var operations: Set<String> = []
    /// Those that need a token.
    var securedOperations: Set<String> = []
    /// Statuses that each operation documents.
    var statuses: [String: Set<String>] = [:]
    /// `#/components/…` that are pointed at but not there.
    var danglingReferences: [String] = []
    /// `POST /v1/streams /derivedFrom`: members of JSON request bodies that may be left out, yet
    /// not be null.
    var optionalsWithoutNull: [String] = []

    static func load(_ text: String) throws -> OpenAPI {
        guard let root = try Yams.load(yaml: text) as? [String: Any],
            let paths = root["paths"] as? [String: [String: Any]]
        else { throw Malformed() }
        var result = OpenAPI()
        for (path, item) in paths {
            for (method, value) in item where method != "parameters" {
                guard let operation = value as? [String: Any] else { throw Malformed() }
                let name = "\(method.uppercased()) \(path)"
                result.operations.insert(name)
                if (operation["security"] as? [Any])?.isEmpty != true {
                    result.securedOperations.insert(name)
                }
                result.statuses[name] = Set(
                    (operation["responses"] as? [String: Any] ?? [:]).keys)
                if let body = operation["requestBody"] as? [String: Any],
                    let forms = body["content"] as? [String: [String: Any]],
                    let schema = forms["application/json"]?["schema"]
                {
                    result.collectOptionals(schema, at: name + " ", in: root)
                }
            }
        }
        result.collectDangling(root, in: root)
        return result
    }

    private mutating func collectOptionals(_ value: Any, at place: String, in root: [String: Any]) {
        guard let schema = Self.resolved(value, in: root) as? [String: Any] else { return }
        for word in ["oneOf", "anyOf", "allOf"] {
            for branch in schema[word] as? [Any] ?? [] {
                collectOptionals(branch, at: place, in: root)
            }
        }
        if let items = schema["items"] { collectOptionals(items, at: place + "/*", in: root) }
        let required = schema["required"] as? [String] ?? []
        for (name, member) in schema["properties"] as? [String: Any] ?? [:] {
            if !required.contains(name), !Self.admitsNull(member, in: root) {
                optionalsWithoutNull.append("\(place)/\(name)")
            }
            collectOptionals(member, at: "\(place)/\(name)", in: root)
        }
    }

    private static func admitsNull(_ value: Any, in root: [String: Any]) -> Bool {
        guard let schema = resolved(value, in: root) as? [String: Any] else { return false }
        if let choices = (schema["anyOf"] ?? schema["oneOf"]) as? [Any] {
            return choices.contains { admitsNull($0, in: root) }
        }
        let types = schema["type"] as? [String] ?? [schema["type"] as? String ?? "null"]
        guard types.contains("null") else { return false }
        guard let values = schema["enum"] as? [Any] else { return true }
        return values.contains { $0 is NSNull }
    }

    /// The value itself, or what its `$ref` points at.
    private static func resolved(_ value: Any, in root: [String: Any]) -> Any? {
        guard let reference = (value as? [String: Any])?["$ref"] as? String else { return value }
        var target: Any? = root
        for part in reference.split(separator: "/").dropFirst() {
            target = (target as? [String: Any])?[String(part)]
        }
        return target
    }

    private mutating func collectDangling(_ value: Any, in root: [String: Any]) {
        if let object = value as? [String: Any] {
            if let reference = object["$ref"] as? String {
                if Self.resolved(object, in: root) == nil { danglingReferences.append(reference) }
            }
            for inner in object.values { collectDangling(inner, in: root) }
        } else if let list = value as? [Any] {
            for inner in list { collectDangling(inner, in: root) }
        }
    }
}
