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
