import Foundation
import Testing

extension EndToEnd {
    /// What was signed before the log changed its key has to be good for as long as somebody keeps
    /// it, and what is signed after it has to be believed by who holds the first key alone.
    @Suite(
        "Receipts and backups on both sides of a change of the signing key", .timeLimit(.minutes(3))
    )
    struct KeyChange {
        private let verifier = "\(Tool.root)/Examples/audit/verify_receipt.py"

        @Test(
            "are verified by what init stored, by the first key and an export, and by no stranger's"
        )
        func bothSides() async throws {
            let site = try Deployment()
            let backups = "\(site.scratch.path)/backups"
            try FileManager.default.createDirectory(
                atPath: backups, withIntermediateDirectories: false)
            try await site.initialise()
            try await site.start(["--set", "backups.directory=\(backups)"])
            try await Signup.prepare(site)
            let dpo = try await Person.with(["dpo"], at: site)
            let firstKey = try await keys(site)[0]

            let before = try await erases("jane@example.org", dpo, site)
            let oldBackup = try await backsUp(site)
            try await site.expectSuccess("keys", "rotate-signing", "--overlap-days", "0")
            let after = try await erases("joe@example.org", dpo, site)
            let newBackup = try await backsUp(site)
            let keys = try await keys(site)
            #expect(keys.count == 2 && keys[0] == firstKey)
            let export = "\(site.scratch.path)/export"
            try await site.expectSuccess("audit", "export", export)

            for backup in [oldBackup, newBackup] {
                try await site.expectSuccess("backup", "verify", backup)
            }
            await site.stop()
            // From here on nothing runs.
            for backup in [oldBackup, newBackup] {
                try await site.expectSuccess(
                    "backup", "verify", "\(backups)/\(backup)", "--key", firstKey, "--export",
                    export)
            }
            for receipt in [before, after] {
                try await site.expectSuccess("subject", "verify-receipt", receipt)
                try await site.expectSuccess(
                    "subject", "verify-receipt", receipt, "--key", firstKey, "--export", export)
                let independent = try await Tool.run(Tool.python, [verifier, receipt] + keys)
                #expect(independent.status == 0, "\(independent.errors)")
            }
            try await site.expectSuccess("subject", "verify-receipt", before, "--key", firstKey)
            for (receipt, key) in [(after, firstKey), (before, keys[1])] {
                let ours = try await site.strm("subject", "verify-receipt", receipt, "--key", key)
                #expect(ours.status == 1)
                let theirs = try await Tool.run(Tool.python, [verifier, receipt, key])
                #expect(theirs.status == 1)
                #expect(theirs.errors.hasPrefix("NOT GENUINE"))
            }
        }

        private func keys(_ site: Deployment) async throws -> [String] {
            let listed = try await site.expectSuccess("audit", "keys", "--output", "json").json()
            let items = try #require(listed["items"] as? [[String: Any]])
            return try items.map { try #require($0["key"] as? String) }
        }

        private func backsUp(_ site: Deployment) async throws -> String {
            let made = try await site.expectSuccess("backup", "create", "--output", "json").json()
            return try #require(made["name"] as? String)
        }

        /// - Returns: the path of the receipt.
        private func erases(
            _ person: String, _ dpo: Person, _ site: Deployment
        ) async throws -> String {
            try await site.expectSuccess("send", "signups", input: Signup.event("s1", person, "a"))
            let receipt = try await dpo.expects(["subject", "erase", "--now"], input: person)
            let path = "\(site.scratch.path)/\(UUID().uuidString).json"
            try Data(receipt.output.utf8).write(to: URL(filePath: path))
            return path
        }
    }
}
