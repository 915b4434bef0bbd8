import Foundation
import Testing

extension EndToEnd {
    @Suite("strm prove", .timeLimit(.minutes(4)))
    struct Proving {
        private func proveScratch(
            in scratch: Scratch, _ environment: [String: String] = [:]
        ) async throws -> (finished: Finished, result: [String: Any]) {
            let finished = try await Tool.run(
                Tool.strm,
                [
                    "prove", "--scratch", "--scratch-directory", scratch.path, "--output-file",
                    "\(scratch.path)/proof.json",
                ], environment: ["STRM_HOME": scratch.path].merging(environment) { $1 })
            let text = try Data(contentsOf: URL(filePath: "\(scratch.path)/proof.json"))
            let document = try JSONSerialization.jsonObject(with: text) as? [String: Any]
            return (finished, document?["result"] as? [String: Any] ?? [:])
        }

        private func hits(_ result: [String: Any]) -> [[String: Any]] {
            result["hits"] as? [[String: Any]] ?? []
        }

        @Test("a scratch run drives every path, finds its controls and no leak, and leaves nothing")
        func scratchIsClean() async throws {
            let scratch = try Scratch()
            let (finished, result) = try await proveScratch(in: scratch)
            #expect(finished.status == 0, "\(finished.output)\(finished.errors)")
            #expect(result["verdict"] as? String == "clean")
            #expect((result["doubts"] as? [Any])?.isEmpty == true)
            let driven = result["driven"] as? [String: Int] ?? [:]
            let leftOut = result["leftOut"] as? [String: String] ?? [:]
            // The program says what it must have driven, and drives nothing that it does not say.
            let expected = result["expected"] as? [String] ?? []
            #expect(Set(driven.keys) == Set(expected))
            #expect(expected.count > 60)
            #expect(leftOut.isEmpty, "\(leftOut)")
            let controls = result["controls"] as? [String: Int] ?? [:]
            let released = result["releasedByRight"] as? [String: Int] ?? [:]
            // The master key and the keyring were looked for in all other places, backups included.
            for place in ["bucket.keys", "bucket.opened", "keyring"] {
                #expect(released[place] ?? 0 > 0, "\(place) in \(released)")
            }
            for place in ["data.sst", "data.log", "bucket.opened.zst", "bucket.sealed.gz"] {
                #expect(controls[place] ?? 0 > 0, "\(place) in \(controls)")
            }
            // The first master key and the one that an erasure put in its place, and keyrings.
            let markers = result["markers"] as? [String: Int] ?? [:]
            #expect(markers["custody"] ?? 0 >= 3, "\(markers)")
            let searched = result["searched"] as? [String: [String: Int]] ?? [:]
            for place in ["data", "keyring", "log", "process", "answers", "backup"] {
                #expect(searched[place]?["bytes"] ?? 0 > 0, "\(place)")
            }
            // The directory of the run is gone; what is left is what the test put there.
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            #expect(!left.contains { $0.hasPrefix("strm-prove") })
        }

        @Test("what a server leaks into its log, a file or its environment is found, with its path")
        func leaksAreFound() async throws {
            let scratch = try Scratch()
            let (finished, result) = try await proveScratch(
                in: scratch,
                [
                    "STRM_TEST_LEAK": "log,file,environment",
                    "STRM_TEST_LEAK_ROOM": String(repeating: "x", count: 4_096),
                ])
            #expect(finished.status == 1, "\(finished.output)\(finished.errors)")
            #expect(result["verdict"] as? String == "leak")
            let places = Dictionary(grouping: hits(result)) { $0["place"] as? String ?? "" }
            let leaks = result["leaks"] as? Int ?? 0
            #expect(leaks > 100)
            #expect(
                finished.output.contains("LEAK of event.json.http1 email: personal, raw, in log"))
            for place in ["log", "temporary"] {
                let paths = Set((places[place] ?? []).compactMap { $0["path"] as? String })
                #expect(paths.contains("event.avro note"), "\(place): \(paths)")
            }
            // The kernel keeps the environment of such a process from everybody but root.
            if geteuid() == 0 {
                let environment = (places["process"] ?? []).compactMap { $0["in"] as? String }
                #expect(environment.contains { $0.hasSuffix("/environ") })
            }
            // The result itself is no leak: it names paths and places.
            let text = try String(contentsOfFile: "\(scratch.path)/proof.json", encoding: .utf8)
            #expect(!text.contains("@example.com"))
        }

        @Test("on a live node it leaves only its archived contract, and can be run again")
        func liveNode() async throws {
            let site = try Deployment()
            try await site.initialise()
            let exports = "\(site.scratch.path)/exports"
            try FileManager.default.createDirectory(
                atPath: exports, withIntermediateDirectories: true)
            try await site.start(environment: [
                "STRM_EXPORTS_DIRECTORY": exports, "STRM_EXPORTS_INTERVAL_SECONDS_MIN": "1",
                "TMPDIR": site.scratch.path,
            ])
            try await site.definePurposes(3...4)
            let file = "\(site.scratch.path)/proof.json"
            for _ in 0..<2 {
                // The server's output lies in the scratch directory, so that is its log.
                let proved = try await site.strm(
                    [
                        "prove", "--data", site.data, "--exports", exports, "--output-file", file,
                        "--search", site.scratch.path,
                    ])
                #expect(proved.status == 0, "\(proved.output)\(proved.errors)")
            }
            let text = try Data(contentsOf: URL(filePath: file))
            let document = try JSONSerialization.jsonObject(with: text) as? [String: Any]
            let result = document?["result"] as? [String: Any]
            #expect((result?["remaining"] as? [Any])?.isEmpty == true)
            let driven = result?["driven"] as? [String: Int] ?? [:]
            #expect(driven["export.opened"] == 1)
            // Only a data protection officer opens refused events, and there is none.
            let leftOut = result?["leftOut"] as? [String: String] ?? [:]
            #expect(
                Set(leftOut.keys)
                    == ["export.keys", "rejections.shown", "subject.access", "subject.links"])
            let streams = try await site.expectSuccess("list", "streams")
            #expect(!streams.output.contains("strm-prove"))
            let contract = try await site.expectSuccess(
                "get", "contract", "strm-prove/events-3-4/1.0.0", "--output", "json")
            #expect(try contract.json()["state"] as? String == "archived")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(exports)/strm-prove") == [])
            try await verifies(site, file, document ?? [:])
        }

        @Test("what the server names is searched; what is missing or empty makes it inconclusive")
        func missingPlaces() async throws {
            let site = try Deployment()
            let (escrow, backups) = ("\(site.scratch.path)/escrow", "\(site.scratch.path)/backups")
            let (empty, nowhere) = ("\(site.scratch.path)/empty", "\(site.scratch.path)/nowhere")
            for path in [backups, empty] {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
            }
            try await site.expectSuccess(
                "init", "--data", site.data, "--single-person", "--keyring-escrow", escrow)
            // The keyring is where the settings file does not say that it is.
            let keyring = "\(site.scratch.path)/keyring"
            try FileManager.default.moveItem(atPath: "\(site.data)/keys", toPath: keyring)
            try await site.start(environment: [
                "STRM_BACKUPS_DIRECTORY": backups, "STRM_KEYRING_DIRECTORY": keyring,
                "TMPDIR": site.scratch.path,
            ])
            try await site.definePurposes(3...4)
            func prove(_ more: String...) async throws -> (Int32, [String: Any]) {
                let file = "\(site.scratch.path)/proof.json"
                let proved = try await site.strm(
                    ["prove", "--data", site.data, "--output-file", file] + more)
                let text = try Data(contentsOf: URL(filePath: file))
                let document = try JSONSerialization.jsonObject(with: text) as? [String: Any]
                return (proved.status, document?["result"] as? [String: Any] ?? [:])
            }
            let (status, clean) = try await prove()
            #expect(status == 0, "\(clean["doubts"] ?? "")")
            let searched = clean["searched"] as? [String: [String: Int]] ?? [:]
            for place in ["keyring", "escrow"] {
                let tally = searched[place] ?? [:]
                #expect((tally["files"] ?? 0) + (tally["unchanged"] ?? 0) > 0, "\(place)")
            }
            #expect(searched["backups"] != nil)
            #expect((clean["places"] as? [String: String])?["keyring"] == keyring)

            let (vain, missing) = try await prove("--search", nowhere, "--search", empty)
            #expect(vain == 2)
            let doubts = missing["doubts"] as? [String] ?? []
            #expect(doubts.contains("given.1: there is no \(nowhere)"), "\(doubts)")
            #expect(
                doubts.contains("given.2: nothing could be looked at in \(empty)"), "\(doubts)")
            #expect(missing["verdict"] as? String == "inconclusive")
        }

        /// The stored key verifies it offline; nothing of it can be changed.
        private func verifies(
            _ site: Deployment, _ file: String, _ document: [String: Any]
        ) async throws {
            await site.stop()
            let genuine = try await site.strm("prove", "--verify", file)
            #expect(genuine.status == 0, "\(genuine.errors)")
            #expect(genuine.output.contains("verdict clean"))
            #expect(genuine.output.contains("mode live"))
            #expect(genuine.output.contains("server \(site.url)"))
            // Where no key is known, nobody can tell whose it is.
            let stranger = try Deployment()
            let unknown = try await stranger.strm("prove", "--verify", file)
            #expect(unknown.status == 78)
            #expect(!unknown.output.contains("genuine"))
            var changes: [(inout [String: Any], inout [String: Any]) -> Void] = []
            changes.append {
                $1["verdict"] = "leak"
                _ = $0
            }
            changes.append {
                $1["leaks"] = 1
                _ = $0
            }
            changes.append {
                $1["mode"] = "scratch"
                _ = $0
            }
            changes.append {
                $1["more"] = NSNull()
                _ = $0
            }
            changes.append { document, _ in
                let note = document["note"] as? String ?? ""
                document["note"] = note.replacing("clean", with: "leak")
            }
            for (number, change) in changes.enumerated() {
                var changed = document
                var result = document["result"] as? [String: Any] ?? [:]
                change(&changed, &result)
                changed["result"] = result
                let path = "\(file).\(number)"
                try JSONSerialization.data(withJSONObject: changed).write(to: URL(filePath: path))
                let tampered = try await site.strm("prove", "--verify", path)
                #expect(tampered.status == 1, "change \(number)")
                #expect(tampered.errors.contains("NOT GENUINE"))
            }
            let other = try Deployment()
            let initialised = try await other.expectSuccess(
                "init", "--data", other.data, "--output", "json")
            let key = try initialised.json()["auditVerifierKey"] as? String ?? ""
            let foreign = try await site.strm("prove", "--verify", file, "--key", key)
            #expect(foreign.status == 1)
            #expect(foreign.errors.contains("does not follow from yours"))
        }
    }
}
