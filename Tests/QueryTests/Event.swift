import Contracts
import Foundation
import Testing

@testable import Query

/// An event with fields at levels 1, 2 and 3, under one of two contracts.
struct Event {
    var session = "s1"
    var mark = ""
    var one = "one"
    var two = "two"
    var three = "three"
    var consent: [Int] = [0, 1, 2, 3]
    var contract = "a"

    var json: String {
        let levels = consent.map(String.init).joined(separator: ",")
        return """
            {"strmMeta":{"eventContractRef":"test/\(contract)/1.0.0","consentLevels":[\(levels)]},\
            "session":"\(session)","mark":"\(mark)",\
            "one":"\(one)","two":"\(two)","three":"\(three)"}
            """
    }

    static func contracts() throws -> [(Contract, ContractRegistry.State)] {
        try ["a", "b"].enumerated().map { index, name in
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
        // Contract b knows no field at level 2.
        let fields =
            name == "a" ? [pii("one", 1), pii("two", 2), pii("three", 3)] : [pii("one", 1)]
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
               {"name":"one","type":"string"},
               {"name":"two","type":"string"},
               {"name":"three","type":"string"}]}},
             "keyField":"session",
             "fieldMetadata":[\(fields.joined(separator: ","))]}
            """
    }
}

/// A delivered event, read back.
struct Delivered {
    var fields: [String: Any]

    subscript(_ name: String) -> String { (fields[name] as? String) ?? "" }

    var keyLink: String {
        ((fields["strmMeta"] as? [String: Any])?["keyLink"] as? String) ?? ""
    }
}

extension Query.Page {
    var events: [Delivered] {
        get throws {
            var events: [Delivered] = []
            try forEachEvent { bytes in
                let object = try JSONSerialization.jsonObject(with: Data(bytes))
                events.append(Delivered(fields: try #require(object as? [String: Any])))
            }
            return events
        }
    }

    var marks: [String] { get throws { try events.map { $0["mark"] } } }
}
