import Contracts
import Foundation
import Testing

@testable import Server

@Suite("Benchmark of the stages")
struct StageBenchmarkTests {
    private static let short = StageBenchmark.Scale(
        passes: 1, storingPasses: 1, pages: 1, singlePages: 1, committedEvents: 64, probes: 1)

    private func directory() throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "strm-stages-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func example(_ path: String) throws -> Data {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try Data(contentsOf: root.appending(path: "Examples/\(path)"))
    }

    private func object(_ data: Data) throws -> NSDictionary {
        try #require(JSONSerialization.jsonObject(with: data) as? NSDictionary)
    }

    @Test("every stage gets a figure, and nothing is left on the disk")
    func allStages() async throws {
        let directory = try directory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var options = StageBenchmark.Options()
        options.dataDirectory = directory
        options.rounds = 1
        options.scale = Self.short
        let report = try await StageBenchmark.measure(options)
        #expect(report.rows.allSatisfy { $0.nanosecondsPerEvent > 0 })
        #expect(Set(report.rows.map(\.stage)).count == report.rows.count)
        for name in ["parse", "decode", "key", "seal", "lane", "commit", "sealed read"] {
            #expect(report.rows.contains { $0.stage.hasPrefix(name) }, "\(name)")
        }
        #expect(!report.disk.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }

    @Test("a directory that cannot be made is named")
    func unusableDirectory() async throws {
        var options = StageBenchmark.Options()
        options.dataDirectory = "/dev/null/nowhere"
        await #expect(throws: StageBenchmarkError.unusable(directory: "/dev/null/nowhere")) {
            try await StageBenchmark.measure(options)
        }
    }

    @Test("contract and event are those of the examples")
    func examples() throws {
        let contract = try example("contracts/clickstream.json")
        #expect(
            try object(Data(BenchmarkEvents.contractText.utf8)) == object(contract))
        let event = try object(example("events/clickstream.json"))
        let ours = try object(
            Data(BenchmarkEvents.json(BenchmarkEvents.contractRef, 0).utf8))
        for name in event.allKeys.compactMap({ $0 as? String })
        where name != "producerSessionId" && name != "customer" {
            #expect(event[name] as? NSObject == ours[name] as? NSObject, "\(name)")
        }
        #expect(event.count == ours.count)
    }

    @Test("JSON and Avro binary hold the same events, all of one length, each of its own sequence")
    func bothForms() throws {
        let registry = ContractRegistry()
        registry.replaceAll([(try BenchmarkEvents.contract(), .active)])
        let decoder = EventDecoder(registry: registry, limits: EventLimits())
        let events = BenchmarkEvents()
        var sequences: Set<[UInt8]> = []
        var subjects: Set<[UInt8]> = []
        for index in 0..<events.count {
            try decoder.decode(events.json[index], format: .json, schemaRef: nil)
            let json = Array(decoder.json)
            sequences.insert(Array(decoder.keyValue))
            subjects.insert(Array(try #require(decoder.subjectValue)))
            try decoder.decode(events.avro[index], format: .avroBinary, schemaRef: nil)
            #expect(Array(decoder.json) == json)
            #expect(events.json[index].count == events.json[0].count)
            #expect(events.avro[index].count == events.avro[0].count)
        }
        #expect(sequences.count == events.count)
        #expect(subjects.count == events.count)
    }

    @Test(
        "the median of an even number is between the middle two",
        arguments: [
            ([], nil), ([3], 3), ([9, 1, 2], 2), ([4, 1, 3, 2], 2.5),
        ] as [([Double], Double?)])
    func median(_ values: [Double], _ expected: Double?) {
        #expect(StageBenchmark.median(values) == expected)
    }
}
