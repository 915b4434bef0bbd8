import Contracts
import Foundation
import Store

/// An event about a person. Under contract `sealed` the person's field is personal data itself,
/// under `clear` it is not, under `nobody` the contract names no person.
struct Visit {
    var person: String? = "jane@example.org"
    var session = "s1"
    var mark = ""
    var secret = "SMCANARY-secret"
    var consent: [Int] = [1, 2]
    var contract = "sealed"

    var json: String {
        let levels = consent.map(String.init).joined(separator: ",")
        let person = person.map { "\"\($0)\"" } ?? "null"
        return """
            {"strmMeta":{"eventContractRef":"test/\(contract)/1.0.0","consentLevels":[\(levels)]},\
            "session":"\(session)","mark":"\(mark)","person":\(person),"secret":"\(secret)"}
            """
    }

    static let purposes = [1, 2, 3].map { level in
        PurposeRecord(
            level: level, name: "Purpose \(level)", description: "For tests",
            legalBasis: .consent, owner: "Tests", changedAt: 0, changedBy: "test")
    }

    static func contracts() throws -> [(Contract, ContractRegistry.State)] {
        try ["sealed", "clear", "nobody"].enumerated().map { index, name in
            let document = try ContractDocument(json: Array(text(name).utf8))
            return (try Contract(document: document, number: UInt32(index + 1)), .active)
        }
    }

    private static func text(_ name: String) -> String {
        func pii(_ field: String, _ level: Int) -> String {
            """
            {"fieldName":"\(field)","personalDataConfig":
             {"isPii":true,"isQuasiId":false,"purposeLevel":\(level)}}
            """
        }
        let fields = [pii("secret", 2)] + (name == "sealed" ? [pii("person", 1)] : [])
        let subject = name == "nobody" ? "" : "\"dataSubjectField\":\"person\","
        return """
            {"ref":{"handle":"test","name":"\(name)","version":"1.0.0"},
             "schema":{"ref":{"handle":"test","name":"event","version":"1.0.0","schemaType":"avro"},
              "definition":{"type":"record","name":"Event","fields":[
               {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
                {"name":"eventContractRef","type":"string"},
                {"name":"nonce","type":["null","int"],"default":null},
                {"name":"timestamp","type":["null","long"],"default":null},
                {"name":"keyLink","type":["null","string"],"default":null},
                {"name":"billingId","type":["null","string"],"default":null},
                {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
               {"name":"session","type":"string"},
               {"name":"mark","type":"string"},
               {"name":"person","type":["null","string"],"default":null},
               {"name":"secret","type":"string"}]}},
             "keyField":"session",\(subject)
             "fieldMetadata":[\(fields.joined(separator: ","))]}
            """
    }
}
