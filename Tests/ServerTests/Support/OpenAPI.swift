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
            }
        }
        result.collectDangling(root, in: root)
        return result
    }

    private mutating func collectDangling(_ value: Any, in root: [String: Any]) {
        if let object = value as? [String: Any] {
            if let reference = object["$ref"] as? String {
                var target: Any? = root
                for part in reference.split(separator: "/").dropFirst() {
                    target = (target as? [String: Any])?[String(part)]
                }
                if target == nil { danglingReferences.append(reference) }
            }
            for inner in object.values { collectDangling(inner, in: root) }
        } else if let list = value as? [Any] {
            for inner in list { collectDangling(inner, in: root) }
        }
    }
}
