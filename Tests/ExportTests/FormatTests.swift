import AuditProof
import Buckets
import Foundation
import Store
import Testing
import Vault

@testable import Export

@Suite("The formats of exports")
struct FormatTests {
    @Test("canonical JSON sorts its members and escapes no more than it must")
    func canonical() {
        let value = CanonicalJSON.object([
            "b": .integer(-7), "a": .string("x/\"\\\n\u{1}é"), "c": .array([.null, .string("")]),
        ])
        #expect(
            value.text == "{\"a\":\"x/\\\"\\\\\\n\\u0001é\",\"b\":-7,\"c\":[null,\"\"]}")
    }

    @Test(
        "compression depends on the bytes alone, not on how they are cut",
        arguments: ExporterDefinition.Compression.allCases)
    func compression(_ compression: ExporterDefinition.Compression) {
        var generator = SystemRandomNumberGenerator()
        // Text that compresses, over several blocks of either format.
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 % 97 + ($0 / 5_000) % 31) }
        var outputs: Set<[UInt8]> = []
        for _ in 0..<6 {
            let compressor = LineCompressor(compression)
            var (output, rest): ([UInt8], ArraySlice<UInt8>) = ([], bytes[...])
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(200_000, rest.count), using: &generator)
                compressor.append(Array(rest.prefix(count)), into: &output)
                rest = rest.dropFirst(count)
            }
            compressor.finish(into: &output)
            outputs.insert(output)
        }
        #expect(outputs.count == 1)
        #expect(outputs.first.map { $0.count < bytes.count } == (compression != .none))
    }

    @Test("a connector's credentials open for its own name and location alone")
    func connector() throws {
        let site = try ExportSite()
        let location = S3Location(bucket: "orders", region: "eu-west-1")
        let credentials = BucketCredentials.accessKey(
            id: "AKIDEXAMPLE", secret: "SMCANARY", sessionToken: nil)
        let record = try ConnectorRecord(
            name: "lake", location: .s3(location), credentials: credentials, vault: site.vault,
            createdAt: site.clock.now, createdBy: "test")
        #expect(try record.credentials(site.vault) == credentials)
        #expect(!String(describing: record).contains("SMCANARY"))
        var elsewhere = record
        elsewhere.location = .s3(
            S3Location(
                bucket: "orders", region: "eu-west-1", endpoint: "https://s3.attacker.example"))
        #expect(throws: VaultError.self) { try elsewhere.credentials(site.vault) }
        var renamed = record
        renamed.name = "other"
        #expect(throws: VaultError.self) { try renamed.credentials(site.vault) }
    }

    @Test("an object's name that would be too long is not made")
    func longName() {
        var definition = ExporterDefinition(
            name: "e", stream: "s", connector: "c", createdAt: 0, createdBy: "t")
        definition.pathPrefix = String(repeating: "a/", count: 449) + "a"
        #expect(
            ObjectNaming.data(
                definition, partition: 0, first: Offset(rawValue: 0), end: Offset(rawValue: 1),
                plannedAt: 0) == nil)
    }
}
