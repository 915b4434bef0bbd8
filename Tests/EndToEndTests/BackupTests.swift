import Foundation
import Testing

extension EndToEnd {
    @Suite("Backups of a server that runs", .timeLimit(.minutes(5)))
    struct Backups {
        private struct Site {
            let deployment: Deployment
            var backups: String { "\(deployment.scratch.path)/backups" }
            var escrow: String { "\(deployment.scratch.path)/escrow" }
            var masterKey: String { "file:\(deployment.scratch.path)/master.key" }

            static func begin() async throws -> Site {
                let site = Site(deployment: try Deployment())
                try FileManager.default.createDirectory(
                    atPath: site.backups, withIntermediateDirectories: false)
                let told = try await site.deployment.expectSuccess(
                    "init", "--data", site.deployment.data, "--single-person", "--master-key",
                    site.masterKey, "--keyring-escrow", site.escrow)
                #expect(told.output.contains("A copy of the keyring is kept in \(site.escrow)"))
                try await site.starts()
                try await site.deployment.prepareDemo()
                return site
            }

            func starts() async throws {
                try await deployment.start(["--set", "backups.directory=\(backups)"])
            }

            func path(of name: String) -> String { "\(backups)/\(name)" }

            var names: [String] {
                get throws { try FileManager.default.contentsOfDirectory(atPath: backups).sorted() }
            }

            func makes() async throws -> [String: Any] {
                try await deployment.expectSuccess("backup", "create", "--output", "json").json()
            }

            /// What was acknowledged before a moment is there, in clear for who may read it.
            func expectsReadable(_ acknowledged: [String]) async throws {
                let opened = try await deployment.events("demo-1")
                let sealed = try await deployment.events("demo")
                for events in [opened, sealed] {
                    let missing = Set(acknowledged).subtracting(Load.identifiers(events))
                    #expect(
                        missing.isEmpty, "\(missing.count) of \(acknowledged.count) are missing")
                }
                #expect(sealed.allSatisfy { isSealed(value($0, "producerSessionId")) })
                #expect(opened.allSatisfy { !isSealed(value($0, "producerSessionId")) })
            }
        }

        @Test("under load, then kill -9 and the loss of the data: a restore has all of before")
        func disaster() async throws {
            let site = try await Site.begin()
            let deployment = site.deployment
            let load = try Load(
                deployment, token: try await deployment.token("demo"), prefix: "b")
            try await load.grows(by: 40_000, seconds: 60)
            let before = load.acknowledged
            let begun = ContinuousClock.now
            let backup = try await site.makes()
            let took = ContinuousClock.now - begun
            let name = try #require(backup["name"] as? String)
            print(
                "backup under load: \(took), \(backup["bytes"] ?? 0) bytes, "
                    + "\(backup["events"] ?? 0) events; \(before.count) acknowledged before it, "
                    + "\(load.acknowledged.count - before.count) while it was made")
            try await load.grows(by: 10_000, seconds: 60)
            try await deployment.expectSuccess("backup", "verify", name)
            await deployment.kill()
            _ = await load.running.waitForExit(seconds: 20)
            // The keys survive, and the settings; the database is gone.
            try FileManager.default.removeItem(atPath: "\(deployment.data)/db")
            // The same key by another name, which the settings that are there do not know.
            let copy = "\(deployment.scratch.path)/copy.key"
            try FileManager.default.copyItem(
                atPath: "\(deployment.scratch.path)/master.key", toPath: copy)
            chmod(copy, 0o600)
            let restoring = try await deployment.expectSuccess(
                "restore", site.path(of: name), "--data", deployment.data, "--output", "json",
                "--master-key", "file:\(copy)")
            #expect(
                restoring.errors.contains("does not say that masterKey is file:\(copy)"),
                "\(restoring.errors)")
            let restored = try restoring.json()
            #expect(restored["lostEvents"] as? Int ?? 0 > 0)
            try await site.starts()
            try await site.expectsReadable(before)
            let entries =
                try await deployment.expectSuccess(
                    "audit", "list", "--act", "storeRestored", "--output", "json"
                ).json()["items"] as? [[String: Any]]
            #expect(entries?.count == 1)
            #expect(try await deployment.nextOffset("demo") > before.count)
        }

        @Test("the whole machine is lost: a backup, the escrow and the master key bring it back")
        func everythingLost() async throws {
            let site = try await Site.begin()
            let deployment = site.deployment
            let load = try Load(
                deployment, token: try await deployment.token("demo"), prefix: "e", count: 500)
            _ = await load.running.waitForExit(seconds: 60)
            let before = load.acknowledged
            let name = try #require(try await site.makes()["name"] as? String)
            await deployment.kill()
            try FileManager.default.removeItem(atPath: deployment.data)
            let without = try await deployment.strm(
                "restore", site.path(of: name), "--data", deployment.data, "--master-key",
                site.masterKey)
            #expect(without.status == 78, "\(without.errors)")
            // A backup that is not there is told as such, whatever else is missing.
            let typo = try await deployment.strm(
                "restore", "/no/such/backup", "--data", deployment.data)
            #expect(typo.status == 66)
            #expect(typo.errors.contains("/no/such/backup"))
            try await deployment.expectSuccess(
                "restore", site.path(of: name), "--data", deployment.data, "--master-key",
                site.masterKey, "--keyring-from-escrow", site.escrow)
            try await site.starts()
            try await site.expectsReadable(before)
        }

        @Test("kill -9 while one is made leaves none, or a whole one")
        func killed() async throws {
            let site = try await Site.begin()
            let deployment = site.deployment
            let load = try Load(
                deployment, token: try await deployment.token("demo"), prefix: "k", count: 3_000)
            _ = await load.running.waitForExit(seconds: 60)
            var random = SystemRandomNumberGenerator()
            for round in 0..<8 {
                let making = try Running(
                    Tool.strm, ["backup", "create"], environment: deployment.environment,
                    in: deployment.scratch.path)
                let wait = Double.random(in: 0...0.4, using: &random)
                _ = await Wait.until(seconds: wait) { !making.isRunning }
                await deployment.kill()
                _ = await making.waitForExit(seconds: 20)
                for name in try site.names where !name.hasPrefix(".") {
                    let found = try await deployment.strm("backup", "verify", site.path(of: name))
                    #expect(found.status == 0, "round \(round): \(found.errors)")
                }
                try await site.starts()
                let isTidy = try await Wait.until(seconds: 20) {
                    try site.names.allSatisfy { !$0.hasPrefix(".") }
                }
                #expect(isTidy, "tidied after the start")
            }
            let name = try #require(try await site.makes()["name"] as? String)
            try await deployment.expectSuccess("backup", "verify", site.path(of: name))
        }
    }
}
