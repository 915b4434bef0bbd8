import Foundation

/// Exports into a directory: of the stream, sealed, and of the derived stream, opened.
extension ProofRun {
    /// Below the directory for local buckets.
    static let bucket = "strm-prove"

    /// Seconds between batches, tried in order: servers have a shortest interval.
    private static let intervals: [Int64] = [1, 30, 300]

    /// Waits until both have written what is there.
    func exportAll() async {
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
                let seconds = try await makeExporter(stream, prefix, compression)
                try await waitForExport(stream, seconds: seconds * 2 + 30)
            }
        }
    }

    /// - Returns: its interval.
    private func makeExporter(
        _ stream: String, _ prefix: String, _ compression: String
    ) async throws -> Int64 {
        for seconds in Self.intervals {
            let made = try await ask(
                .export, "POST", "/v1/exporters",
                json: .object([
                    "name": .string(stream), "stream": .string(stream),
                    "connector": .string(name), "pathPrefix": .string(prefix),
                    "compression": .string(compression), "intervalSeconds": .integer(seconds),
                    "includeExistingEvents": .boolean(true),
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
