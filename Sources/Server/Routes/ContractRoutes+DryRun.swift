import Contracts
import HTTP
import Store

// `POST /v1/contracts?dryRun=true`: a contract is checked as if it were created, and nothing is kept.

extension ContractRoutes {
    /// The request's contract document, and whether it is YAML.
    static func documentBody(_ request: RouteRequest) throws(Problem) -> ([UInt8], isYAML: Bool) {
        let type = request.mediaType ?? "application/json"
        guard type == "application/json" || yamlTypes.contains(type) else {
            throw .unsupportedMediaType(["application/json", "application/yaml"])
        }
        return (request.http.body, type != "application/json")
    }

    static func parse(_ bytes: [UInt8], isYAML: Bool) throws(ContractError) -> ContractDocument {
        isYAML ? try ContractDocument(yaml: bytes) : try ContractDocument(json: bytes)
    }

    /// What would be made of a document that everything was checked of.
    func preview(
        _ document: ContractDocument, _ contract: Contract
    ) throws -> HTTPResponse {
        let fields = contract.piiFields.map { field -> WireValue in
            [
                "path": .string(field.path), "purposeLevel": .integer(Int64(field.level)),
                "isQuasiId": .bool(field.isQuasiId), "sealing": .string(field.sealing.rawValue),
            ]
        }
        var members: [(name: String, value: WireValue)] = [
            ("dryRun", true), ("ref", .string(document.ref.description)),
            ("schemaRef", .string(document.schemaRef.description)),
            ("schemaType", .string(document.schemaLanguage.rawValue)),
            ("personalFields", .array(fields)),
            ("validations", .array(document.validationIDs.map { .string($0) })),
            ("document", .json(document.canonicalJSON())),
        ]
        if let translation = try document.translation() {
            members.append(("translation", .json(translation)))
        }
        return Answer.json(.object(members + warnings(contract)))
    }
}
