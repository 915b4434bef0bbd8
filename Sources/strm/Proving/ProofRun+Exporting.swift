import Foundation

/// Exports into a directory: of the stream, sealed, and of the derived stream, opened.
extension ProofRun {
    /// Below the directory for local buckets.
    static let bucket = "strm-prove"

    /// Seconds between batches, tried in order: servers have a shortest interval.
    private static let intervals: [Int64] = [1, 30, 300]

    /// Waits until all have written what is there.
    /// - Parameter directory: where the server's local buckets are; nil: not known, and then the
    ///   keys that left are not marked.
    func exportAll(below directory: String?) async {
        await drive("connector.made") {
            let made = try await ask(
                .manage, "POST", "/v1/connectors",
                json: .object([
                    "name": .string(name), "type": "local",
                    "path": .string("\(Self.bucket)/\(name)"),
                ]))
            // A server without a directory for exports can have no such connector.
            guard made.status != 400 else {
                throw CommandFailure(.notPermitted, "the server exports to no directory")
            }
            try expect(made, 201)
        }
        guard driven["connector.made"] != nil else { return }
        for (stream, prefix, compression) in [(name, "sealed", "gzip"), (opened, "opened", "zstd")]
        {
            await drive("export.\(prefix)") {
                let seconds = try await makeExporter(
                    stream, prefix, compression, named: stream)
                try await waitForExport(stream, seconds: seconds * 2 + 30)
            }
        }
        await exportKeys(below: directory)
    }

    /// With the data keys, which leave by right and must be nowhere else.
    private func exportKeys(below directory: String?) async {
        await drive("export.keys") {
            guard let directory else {
                throw CommandFailure(.notPermitted, "the directory of exports is not known")
            }
            let allowed = try await ask(
                .releaseKeys, "PUT", "/v1/streams/\(name)/key-export",
                json: .object(["allowed": .boolean(true)]))
            try expect(allowed, 204)
            let seconds = try await makeExporter(name, "keys", "none", named: keyed)
            try await waitForExport(keyed, seconds: seconds * 2 + 30)
            let keys = ExportedKeys.read(below: "\(directory)/\(Self.bucket)/\(name)/keys")
            guard !keys.isEmpty else { throw ProofGap("no keys lie in the bucket") }
            for key in keys { mark(key: key) }
        }
    }

    /// - Returns: its interval.
    private func makeExporter(
        _ stream: String, _ prefix: String, _ compression: String, named exporter: String
    ) async throws -> Int64 {
        for seconds in Self.intervals {
            let made = try await ask(
                .export, "POST", "/v1/exporters",
                json: .object([
                    "name": .string(exporter), "stream": .string(stream),
                    "connector": .string(name), "pathPrefix": .string(prefix),
                    "compression": .string(compression), "intervalSeconds": .integer(seconds),
                    "includeExistingEvents": .boolean(true),
                    "includeKeys": .boolean(exporter == keyed),
                ]))
            if made.status == 400, seconds != Self.intervals.last { continue }
            try expect(made, 201)
            return seconds
        }
        throw ProofGap("no interval is short enough to wait for")
    }

    private func waitForExport(_ exporter: String, seconds: Int64) async throws {
        for _ in 0..<seconds * 4 {
            let reply = try await ask(.inspectExports, "GET", "/v1/exporters/\(exporter)")
            try expect(reply, 200)
            let status = try reply.json()
            if status["lagEvents"]?.integer == 0, status["batches"]?.integer ?? 0 > 0 { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw ProofGap("the export has written nothing")
    }
}

/// The keys that an export with keys has left in a bucket.
enum ExportedKeys {
    /// So many are looked for; each costs time in the search.
    private static let countMax = 8
    /// In a Tink keyset each key is a message whose one field has this tag and 64 bytes.
    private static let tag: [UInt8] = [0x12, 0x40]

    /// Of the files `….csv`, the 64 bytes of each key.
    static func read(below directory: String) -> [[UInt8]] {
        guard let files = FileManager.default.enumerator(atPath: directory) else { return [] }
        var keys: [[UInt8]] = []
        for case let path as String in files where path.hasSuffix(".csv") {
            let data = FileManager.default.contents(atPath: "\(directory)/\(path)") ?? Data()
            for match in String(decoding: data, as: UTF8.self)
                .matches(of: /"value"":""([A-Za-z0-9+\/=]+)""/)
            {
                let message = Data(base64Encoded: String(match.1)) ?? Data()
                guard message.starts(with: tag), message.count == 66 else { continue }
                keys.append(Array(message.dropFirst(2)))
            }
        }
        return Array(keys.prefix(countMax))
    }
}
