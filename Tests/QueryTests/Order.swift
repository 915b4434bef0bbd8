import Contracts
import Foundation
import Testing

/// An order with values of all kinds: personal ones in both modes, in lists and as an enum, others
/// that identify together, and others that do not. Levels: e-mail 1 (deterministic), tier 1
/// (random), birth year 2 (identifies with others), notes 2 (random).
struct Order {
    static let reference = "shop/order/1.0.0"

    var session = "s1"
    var email = "ann@example.com"
    var tier = "GOLD"
    var born = "1980"
    var zip = "1010"
    var notes: [String] = []
    var labels = "{}"
    var total = "12.50"
    var subject: String?
    var consent = [0, 1, 2]
    var version = "1.0.0"

    var json: String {
        let levels = consent.map(String.init).joined(separator: ",")
        let items = notes.enumerated()
            .map { #"{"sku":"sku-\#($0)","count":\#($0 + 1),"note":"\#($1)"}"# }
            .joined(separator: ",")
        return """
            {"strmMeta":{"eventContractRef":"shop/order/\(version)","consentLevels":[\(levels)]},\
            "session":"\(session)","customer":{"email":"\(email)","tier":"\(tier)",\
            "born":"\(born)","zip":"\(zip)"},"items":[\(items)],"labels":\(labels),\
            "total":\(total),"isGift":true,"remark":null,"person":"\(subject ?? session)"}
            """
    }

    static func contract(
        number: UInt32 = 9, version: String = "1.0.0", emailLevel: Int = 1, subject: Bool = false,
        withZip: Bool = true
    ) throws -> (Contract, ContractRegistry.State) {
        func entry(_ field: String, _ config: String) -> String {
            #"{"fieldName":"\#(field)","personalDataConfig":{\#(config)}}"#
        }
        var entries = [
            entry("customer/email", #""isPii":true,"purposeLevel":\#(emailLevel)"#),
            entry("customer/tier", #""isPii":true,"purposeLevel":1,"sealing":"random""#),
            entry("customer/born", #""isPii":true,"isQuasiId":true,"purposeLevel":2"#),
            entry("items/note", #""isPii":true,"purposeLevel":2,"sealing":"random""#),
        ]
        if withZip { entries.append(entry("customer/zip", #""isPii":false,"isQuasiId":true"#)) }
        let ref = #""handle":"shop","name":"order","version":"\#(version)""#
        let text = """
            {"ref":{\(ref)},"keyField":"session",\(subject ? #""dataSubjectField":"person","# : "")
             "fieldMetadata":[\(entries.joined(separator: ","))],
             "schema":{"ref":{\(ref),"schemaType":"AVRO"},"definition":\(schema)}}
            """
        let document = try ContractDocument(json: Array(text.utf8))
        return (try Contract(document: document, number: number), .active)
    }

    private static let schema = """
        {"type":"record","name":"Order","fields":[
         {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
          {"name":"eventContractRef","type":"string"},
          {"name":"nonce","type":["null","int"],"default":null},
          {"name":"timestamp","type":["null","long"],"default":null},
          {"name":"keyLink","type":["null","string"],"default":null},
          {"name":"billingId","type":["null","string"],"default":null},
          {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
         {"name":"session","type":"string"},
         {"name":"customer","type":{"type":"record","name":"Customer","fields":[
          {"name":"email","type":"string"},
          {"name":"tier","type":{"type":"enum","name":"Tier","symbols":["GOLD","PLAIN"]}},
          {"name":"born","type":"string"},{"name":"zip","type":"string"}]}},
         {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
          {"name":"sku","type":"string"},{"name":"count","type":"int"},
          {"name":"note","type":"string"}]}}},
         {"name":"labels","type":{"type":"map","values":["null","string","long"]}},
         {"name":"total","type":"double"},{"name":"isGift","type":"boolean"},
         {"name":"remark","type":["null","string"]},{"name":"person","type":"string"}]}
        """
}

/// A delivered order, read by paths such as `customer/email`.
extension Delivered {
    func value(_ path: String) -> Any? {
        path.split(separator: "/").reduce(fields as Any?) { value, step in
            if let list = value as? [Any] { return Int(step).map { list[$0] } }
            return (value as? [String: Any])?[String(step)]
        }
    }

    func text(_ path: String) -> String? { value(path) as? String }
}
