import Foundation
import Testing

extension EndToEnd {
    @Suite("What a machine knows of the keys of a log", .timeLimit(.minutes(3)))
    struct KeyMemory {
        /// Of another log.
        private static let stranger =
            "streammachine.dev/audit+18a947a6+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY"

        private static func stored(_ home: String, _ site: Deployment) throws -> [String: Any] {
            let data = FileManager.default.contents(atPath: "\(home)/credentials.json") ?? Data()
            let document = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            let servers = document?["servers"] as? [String: Any]
            return servers?[site.url] as? [String: Any] ?? [:]
        }

        /// Puts another text, or nothing, in the place of what the file has.
        private static func puts(
            _ value: String?, as name: String, _ home: String, _ site: Deployment
        ) throws {
            let path = "\(home)/credentials.json"
            let data = FileManager.default.contents(atPath: path) ?? Data()
            var document = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
            var servers = document["servers"] as? [String: Any] ?? [:]
            var server = servers[site.url] as? [String: Any] ?? [:]
            if let value { server[name] = value } else { server[name] = nil }
            servers[site.url] = server
            document["servers"] = servers
            try JSONSerialization.data(withJSONObject: document).write(to: URL(filePath: path))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: path)
        }

        private static func keys(_ site: Deployment) async throws -> [String] {
            let listed = try await site.expectSuccess("audit", "keys", "--output", "json").json()
            let items = try #require(listed["items"] as? [[String: Any]])
            return try items.map { try #require($0["key"] as? String) }
        }

        @Test("follows the log by each export, and begins only where somebody says so")
        func exports() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            let auditor = try await Person.with(["auditor"], at: site)
            func export(_ name: String) async throws -> String {
                let path = "\(site.scratch.path)/\(name)"
                try await auditor.expects("audit", "export", path)
                return path
            }
            _ = try await export("first")
            let before = try Self.stored(auditor.home, site)
            #expect(before["auditVerifierKey"] as? String == nil)
            let begun = try await auditor.expects("audit", "keys", "--store")
            #expect(begun.errors.contains("on the word of this server alone"))

            try await site.expectSuccess("keys", "rotate-signing", "--overlap-days", "0")
            let keys = try await Self.keys(site)
            let second = try await export("second")
            // As a release left it that stored no proofs.
            try Self.puts(nil, as: "keyChangeProofs", site.home, site)
            try await site.expectSuccess("audit", "export", "\(site.scratch.path)/third")
            for home in [auditor.home, site.home] {
                let stored = try Self.stored(home, site)
                #expect(stored["auditVerifierKey"] as? String == keys[0])
                #expect(stored["laterVerifierKeys"] as? [String] == [keys[1]])
                #expect((stored["keyChangeProofs"] as? [String])?.count == 1)
            }
            let again = try await auditor.expects("audit", "keys", "--store")
            #expect(again.errors.contains("stored on this machine already"))
            try FileManager.default.removeItem(atPath: "\(second)/rotations")
            try await auditor.expects("audit", "verify", second)
        }

        @Test("is not changed by a log whose keys contradict it, which is told")
        func contradiction() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            let auditor = try await Person.with(["auditor"], at: site)
            try Self.puts(Self.stranger, as: "auditVerifierKey", auditor.home, site)
            let exported = try await auditor.expects(
                "audit", "export", "\(site.scratch.path)/export")
            #expect(exported.errors.contains("are not stored on this machine"))
            let refused = try await auditor.does("audit", "keys", "--store")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("do not follow from those that are stored"))
            let stored = try Self.stored(auditor.home, site)
            #expect(stored["auditVerifierKey"] as? String == Self.stranger)
        }

        @Test("may be wrong, and a change of the key is told all the same, with the new key")
        func rotation() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            try Self.puts(Self.stranger, as: "auditVerifierKey", site.home, site)
            let changed = try await site.strm("keys", "rotate-signing", "--output", "json")
            let keys = try await Self.keys(site)
            #expect(keys.count == 2)
            #expect(changed.status == 1)
            #expect(try changed.json()["key"] as? String == keys[1])
            #expect(changed.errors.contains("the key WAS changed, to \(keys[1])"))
            // What cannot be read is told before anything is changed.
            try Self.puts("no key", as: "auditVerifierKey", site.home, site)
            let refused = try await site.strm("keys", "rotate-signing")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("not a verifier key"))
            #expect(try await Self.keys(site).count == 2)
        }
    }
}
