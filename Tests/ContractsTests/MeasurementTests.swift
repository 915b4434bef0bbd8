import Foundation
import Testing

@testable import Contracts

/// Figures for people, printed, never judged: on with the environment variable STRM_MEASURE.
@Suite(
    "measurement", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] != nil))
struct MeasurementTests {
    private func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
        let time = try ContinuousClock().measure(body)
        return Double(time.components.seconds) * 1e9 + Double(time.components.attoseconds) / 1e9
    }

    @Test("steady decoding of the examples")
    func decoding() throws {
        let registry = ContractRegistry()
        registry.replaceAll([
            (try ExampleTests.clickstream(), .active), (try ExampleTests.order(), .active),
        ])
        let decoder = EventDecoder(registry: registry, limits: EventLimits())
        for name in ["clickstream", "order"] {
            let body = try ExampleTests.load("events/\(name).json")
            let rounds = 300_000
            try body.withUnsafeBytes { bytes in
                for _ in 0..<1_000 {
                    try decoder.decode(bytes, format: .detect, schemaRef: nil)
                }
                let time = try nanoseconds {
                    for _ in 0..<rounds {
                        try decoder.decode(bytes, format: .detect, schemaRef: nil)
                    }
                }
                print("\(name), \(bytes.count) bytes: \(Int(time) / rounds) ns an event")
            }
        }
    }

    /// The clickstream contract with the same rules over a JSON Schema of the same shape.
    private static func clickstreamBySchema() throws -> Contract {
        let schema = """
            {"type":"object","required":["producerSessionId","url","eventType","customer"],
             "properties":{"producerSessionId":{"type":"string"},"url":{"type":"string"},
              "eventType":{"type":"string"},"referrer":{"type":"string"},
              "userAgent":{"type":"string"},"conversion":{"type":"integer"},
              "customer":{"type":"object","required":["email"],"additionalProperties":false,
               "properties":{"email":{"type":"string"},"country":{"type":"string"}}},
              "abTests":{"type":"array","items":{"type":"string"}}}}
            """
        let document = try Fixture.schemaDocument(
            schema, key: "producerSessionId",
            pii: [("producerSessionId", 1), ("customer/email", 4)], subject: "customer/email",
            validations: #"{"field":"customer/email","type":"regex","value":"^.+@.+\\..+$"},"#
                + #"{"field":"url","type":"regex","value":"^https?://[^ ]+$"}"#)
        return try Contract(document: document, number: 3)
    }

    @Test("steady decoding of the clickstream event by a JSON Schema")
    func decodingBySchema() throws {
        let fixture = Fixture(contract: try Self.clickstreamBySchema())
        let text = String(decoding: try ExampleTests.load("events/clickstream.json"), as: UTF8.self)
        let body = Array(text.replacing("example/clickstream/1.0.0", with: "t/t/1.0.0").utf8)
        let rounds = 300_000
        try body.withUnsafeBytes { bytes in
            for _ in 0..<1_000 {
                try fixture.decoder.decode(bytes, format: .detect, schemaRef: nil)
            }
            let time = try nanoseconds {
                for _ in 0..<rounds {
                    try fixture.decoder.decode(bytes, format: .detect, schemaRef: nil)
                }
            }
            print("by JSON Schema, \(bytes.count) bytes: \(Int(time) / rounds) ns an event")
        }
    }

    @Test("hostile schemas")
    func hostileSchemas() throws {
        for (name, text, _) in HostileSchemaTests.cases {
            let time = nanoseconds { _ = HostileSchemaTests.attempt(text) }
            print("\(Int(time / 1_000)) µs \(name)")
        }
    }

    @Test("explosive patterns on 100 KiB")
    func patterns() throws {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 100 << 10) + [0x21]
        for pattern in RegularExpressionTests.explosive {
            guard let expression = try? RegularExpression(pattern) else { continue }
            let time = nanoseconds {
                _ = text.withUnsafeBytes { expression.matches($0) }
            }
            print("\(Int(time / 1_000)) µs \(pattern)")
        }
    }

    @Test("the largest contract")
    func largestContract() throws {
        let records = (0..<12).map { record in
            let fields = (0..<1_000).map { field in
                #"{"name":"f\#(field)","type":"string","default":"x"}"#
            }
            return #"{"name":"r\#(record)","type":{"type":"record","name":"R\#(record)","fields":["#
                + fields.joined(separator: ",") + "]}}"
        }
        let pii = (0..<1_000).map { ("r\($0 % 12)/f\($0)", 1) }
        let regex = (0..<256).map { ("r\($0 % 12)/f\($0)", "(a|b|[a-z0-9]+){1,20}x\($0)?") }
        let text = records.joined(separator: ",")
        let time = try nanoseconds {
            let document = try Fixture.document(fields: text, pii: pii, regex: regex)
            _ = try Contract(document: document, number: 1)
        }
        print("\(Int(time / 1e6)) ms for a contract of \(text.utf8.count) bytes")
    }
}
