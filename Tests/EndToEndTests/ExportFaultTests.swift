import Foundation
import Testing

extension EndToEnd {
    @Suite(
        "Exports, whatever breaks", .timeLimit(.minutes(8 + ExportEffort.batches / 50)))
    struct ExportFaults {
        private static let streams = 8
        /// In all every fourth request or so does not go as it should.
        private static let faults = [
            "--refuse", "0.06", "--lose-answer", "0.06", "--cut-body", "0.05", "--cut-answer",
            "0.05", "--slow", "0.15",
        ]

        /// A store that is as unreliable as `arguments` say; it begins calm.
        private func unreliable(
            _ site: ExportSite, _ arguments: [String]
        ) async throws -> (proxy: Companion, port: Int) {
            let proxy = try await Companion.start(
                "fault_proxy.py", ["--to", String(site.store.port), "--calm"] + arguments,
                in: site.deployment.scratch.path)
            guard let port = proxy.greeting["port"] as? Int else { throw Unexpected("no port") }
            print("fault_proxy.py has the seed \(proxy.greeting["seed"] ?? "none")")
            return (proxy, port)
        }

        private func counts(_ proxy: Companion) async throws -> [String: Int] {
            try await proxy.asks("counts")["counts"] as? [String: Int] ?? [:]
        }

        private func connects(_ site: ExportSite, port: Int) async throws {
            let made = try await site.connects("lake", as: site.store.writer, port: port)
            #expect(made.status == 0, "\(made.errors)")
            try await site.deployment.definePurposes(0...4)
            try await site.deployment.expectSuccess(
                "create", "contract", Tool.contract("clickstream.json"), "--activate")
        }

        @Test("kill -9 and a store that fails: each event is exported once, in order, on record")
        func killsAndFaults() async throws {
            let site = try await ExportSite.start(hasDemo: false)
            let (proxy, port) = try await unreliable(site, Self.faults)
            try await connects(site, port: port)
            let streams = (0..<Self.streams).map { "load\($0)" }
            let compressions: [[String]] = [[], ["--compress", "gzip"], ["--compress", "zstd"]]
            for (number, stream) in streams.enumerated() {
                try await site.deployment.expectSuccess("create", "stream", stream)
                try await site.deployment.expectSuccess(
                    [
                        "create", "batch-exporter", stream, "--connector", "lake", "--name",
                        stream, "--interval", "1", "--path-prefix", "soak",
                    ] + compressions[number % compressions.count])
            }
            let directory = "\(site.deployment.scratch.path)/acknowledged"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
            try proxy.says("faults")
            var random = SystemRandomNumberGenerator()
            var exported = 0
            var round = 0
            while exported < ExportEffort.batches {
                if round > 0 { try await site.startServer() }
                guard round < 40 + ExportEffort.batches else {
                    throw Unexpected("\(exported) batches after \(round) kills")
                }
                let load = try await load(streams, site, directory, round: round)
                try await grows(load, directory, by: Int.random(in: 2_000...40_000, using: &random))
                exported = try await batches(site)
                await site.deployment.kill()
                _ = await load.waitForExit(seconds: 20)
                round += 1
            }
            try await site.startServer()
            try await site.catchesUp(streams, seconds: 240)
            print("\(exported) batches, \(round) kills, \(try await counts(proxy))")
            try await expectExactlyOnce(streams, site, directory)
        }

        private func load(
            _ streams: [String], _ site: ExportSite, _ directory: String, round: Int
        ) async throws -> Running {
            var tokens: [String] = []
            for stream in streams {
                tokens += [stream, try await site.deployment.token(stream)]
            }
            return try Running(
                Tool.python,
                [
                    Tool.script("export_load.py"), String(site.deployment.port), directory,
                    "r\(round)",
                ] + tokens, environment: Companion.environment,
                in: site.deployment.scratch.path)
        }

        /// Waits until another `bytes` of ids have been acknowledged.
        private func grows(_ load: Running, _ directory: String, by bytes: Int) async throws {
            func size() throws -> Int {
                let names = try FileManager.default.contentsOfDirectory(atPath: directory)
                return try names.reduce(0) { total, name in
                    let attributes = try FileManager.default.attributesOfItem(
                        atPath: "\(directory)/\(name)")
                    return total + ((attributes[.size] as? NSNumber)?.intValue ?? 0)
                }
            }
            let target = try size() + bytes
            let isThere = try await Wait.until(seconds: 240) {
                try size() >= target || !load.isRunning
            }
            guard isThere, load.isRunning else {
                throw Unexpected("too little was acknowledged: \(load.output) \(load.errors)")
            }
        }

        private func batches(_ site: ExportSite) async throws -> Int {
            try await site.statuses().values.compactMap { $0["batches"] as? Int }.reduce(0, +)
        }

        /// What a read of each stream gives is in its objects, once, and all that was acknowledged
        /// is there; what the exporters counted and the audit log tells is what lies there.
        private func expectExactlyOnce(
            _ streams: [String], _ site: ExportSite, _ directory: String
        ) async throws {
            let statuses = try await site.statuses()
            var total = 0
            for stream in streams {
                let checked = try await site.checks(
                    stream, exporter: stream,
                    ["--prefix", "soak", "--acknowledged", "\(directory)/\(stream)"])
                #expect(checked.status == 0, "\(stream): \(checked.errors)")
                let summary = try checked.json()
                for count in ["batches", "events", "bytes"] {
                    #expect(summary[count] as? Int == statuses[stream]?[count] as? Int)
                }
                let next = try await site.deployment.nextOffset(stream)
                #expect(summary["events"] as? Int == next)
                #expect(statuses[stream]?["lostEvents"] as? Int == 0)
                total += summary["batches"] as? Int ?? 0
            }
            let entries = try await site.audit("batchExported")
            #expect(entries.count == total)
            let objects = entries.compactMap { value($0, "detail", "object") as? String }
            #expect(Set(objects).count == total)
        }

        @Test(
            "a batch of several parts is whole after kill -9 in its middle, and leaves no parts",
            arguments: [false, true])
        func largeBatch(storeFails: Bool) async throws {
            let site = try await ExportSite.start(hasDemo: false)
            let (proxy, port) = try await unreliable(
                site, storeFails ? Self.faults : ["--slow", "1"])
            try await connects(site, port: port)
            try await site.deployment.expectSuccess("create", "stream", "large")
            try await site.deployment.expectSuccess(
                "send", "large", input: largeEvents(count: 180, referrerBytes: 150_000))
            try proxy.says("faults")
            try await site.exports(
                "large", to: "lake", "--name", "large", "--include-existing-events")
            for _ in 0..<4 {
                let before = try await counts(proxy)["requests"] ?? 0
                let more = Int.random(in: 1...4)
                _ = try await Wait.asking(seconds: 10) {
                    if try await counts(proxy)["requests"] ?? 0 >= before + more { return true }
                    return try await batches(site) > 0
                }
                await site.deployment.kill()
                // What the dead server had sent is in the store before the next one looks: an upload
                // that begins later is nobody's. The proxy keeps a request for half a second at most.
                if !storeFails { _ = await Wait.until(seconds: 2) { false } }
                try await site.startServer()
            }
            try await site.catchesUp("large", seconds: 240)
            print("\(try await counts(proxy))")
            // A store that makes an upload and loses the answer keeps it; nobody knows its name.
            let checked = try await site.checks(
                "large", exporter: "large", storeFails ? [] : ["--no-unfinished-uploads"])
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(try checked.json()["batches"] as? Int == 1)
            #expect(try checked.json()["bytes"] as? Int ?? 0 > 3 * 8 << 20)
        }

        private func largeEvents(count: Int, referrerBytes: Int) -> String {
            (0..<count).map { number in
                """
                {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0",\
                "consentLevels":[0]},"producerSessionId":"visit-\(number % 7)",\
                "url":"https://shop.example.com/\(number)","eventType":"page_view",\
                "referrer":"\(String(repeating: "\(number % 10)", count: referrerBytes))",\
                "userAgent":"x","conversion":0,\
                "customer":{"email":"ada.\(number)@example.com","country":"NL"},"abTests":[]}
                """
            }.joined(separator: "\n")
        }
    }
}
