import Foundation
import Testing

@testable import Buckets

/// Against a server that is not ours; `gcs_rig.py` also checks the assertions of the account.
@Suite(
    "the emulator of Google Cloud Storage",
    .enabled(if: ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"] != nil),
    .timeLimit(.minutes(2)))
struct GCSEmulatorTests {
    private let policy = BucketPolicy(
        allowsInsecureEndpoints: true, allowsPrivateAddresses: true, requestSeconds: 30)
    /// The rig compares the times of an assertion with its own.
    private let clock: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

    private func name(_ text: String) throws -> ObjectName { try #require(ObjectName(text)) }

    @Test("keeps what was put and uploaded, byte for byte, and nothing that was deleted")
    func objects() async throws {
        let rig = try await GCSRig.start()
        defer { rig.stop() }
        let account = BucketCredentials.serviceAccount(json: rig.site.serviceAccount)
        try await BucketOpener.probe(rig.location(), account, policy: policy, clock: clock)
        let bucket = try await BucketOpener.open(
            rig.location(), account, policy: policy, clock: clock)

        let small = try name("team/small-!*'()=_.json")
        try await bucket.put(small, Array("{}".utf8), contentType: "application/json")
        try await bucket.put(try name("team/gone"), [1], contentType: "text/plain")
        try await bucket.delete(try name("team/gone"))
        try await bucket.delete(try name("team/gone"))

        // No two of its 17 MiB are the same, so that a part sent twice or left out shows.
        let bytes = (0..<17).flatMap { [UInt8](repeating: UInt8($0), count: 1 << 20) }
        let second = BucketLimits.partBytes
        let large = try name("team/2026/11/25/large.jsonl")
        let upload = try await bucket.begin(large, contentType: "application/x-ndjson")
        try await upload.append(Array(bytes[..<second]))
        try await upload.append(Array(bytes[second..<2 * second]))
        try await upload.finish(Array(bytes[(2 * second)...]))

        let whole = try name("team/whole")
        let even = try await bucket.begin(whole, contentType: "text/plain")
        try await even.append(Array(bytes[..<second]))
        try await even.finish([])
        await bucket.close()

        let kept = try await rig.objects()
        #expect(Set(kept.keys) == [small.text, large.text, whole.text])
        #expect(kept[small.text] == Data("{}".utf8))
        #expect(kept[large.text] == Data(bytes))
        #expect(kept[whole.text] == Data(bytes[..<second]))
    }

    @Test("does not know another key, nor a bucket that is not there")
    func refusals() async throws {
        let rig = try await GCSRig.start()
        defer { rig.stop() }
        var document = try JSONDecoder().decode(
            [String: String].self, from: Data(rig.site.serviceAccount.utf8))
        let other = try JSONDecoder().decode(
            [String: String].self, from: Data(try FakeGCS.account().json.utf8))
        document["private_key"] = other["private_key"]
        let forged = BucketCredentials.serviceAccount(
            json: String(decoding: try JSONEncoder().encode(document), as: UTF8.self))
        let (policy, clock) = (policy, clock)
        await #expect(throws: BucketError.credentialsRefused(code: "invalid_grant")) {
            try await BucketOpener.probe(rig.location(), forged, policy: policy, clock: clock)
        }
        let account = BucketCredentials.serviceAccount(json: rig.site.serviceAccount)
        await #expect(throws: BucketError.noSuchBucket) {
            try await BucketOpener.probe(
                rig.location(bucket: "absent"), account, policy: policy, clock: clock)
        }
    }
}

/// The emulator and its token endpoint, in a process of their own.
///
/// `@unchecked Sendable`: everything is set up before it is shared, and Foundation guards a process
/// and its pipes by locks of its own.
private final class GCSRig: @unchecked Sendable {
    struct Site: Decodable {
        var port: Int
        var serviceAccount: String
    }

    let site: Site
    private let process: Process
    private let input: FileHandle
    private let output: FileHandle

    /// With the bucket `orders`. Stop it.
    static func start() async throws -> GCSRig {
        let python = try #require(ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"])
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "EndToEndTests/Scripts/gcs_rig.py")
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [script.path]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = await line(from: output.fileHandleForReading)
        guard let site = try? JSONDecoder().decode(Site.self, from: line) else {
            process.terminate()
            throw Failure(text: "the rig did not start: \(script.path)")
        }
        return GCSRig(
            site, process, input.fileHandleForWriting, output.fileHandleForReading)
    }

    private init(_ site: Site, _ process: Process, _ input: FileHandle, _ output: FileHandle) {
        self.site = site
        self.process = process
        self.input = input
        self.output = output
    }

    func location(bucket: String = "orders") -> BucketLocation {
        .gcs(GCSLocation(bucket: bucket, endpoint: "http://127.0.0.1:\(site.port)"))
    }

    /// What lies in the bucket by name, as a client that is not ours reads it over HTTP.
    func objects() async throws -> [String: Data] {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-gcs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try input.write(contentsOf: Data("dump \(directory.path)\n".utf8))
        let line = await Self.line(from: output)
        let count = try JSONDecoder().decode([String: Int].self, from: line)["dumped"]
        var found: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory.path) {
            let file = directory.appending(path: path)
            let kind = try FileManager.default.attributesOfItem(atPath: file.path)[.type]
            guard kind as? FileAttributeType == .typeRegular else { continue }
            found[path] = try Data(contentsOf: file)
        }
        #expect(found.count == count)
        return found
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    private struct Failure: Error { var text: String }

    /// Up to the next end of a line, or of the output. Reading blocks, so it has a thread.
    private static func line(from handle: FileHandle) async -> Data {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var line = Data()
                while line.last != UInt8(ascii: "\n") {
                    let more = handle.availableData
                    if more.isEmpty { break }
                    line += more
                }
                continuation.resume(returning: line)
            }
        }
    }
}
