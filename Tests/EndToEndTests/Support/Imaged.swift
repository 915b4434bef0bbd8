import Foundation
import Testing

/// An installation of which copies are taken before, during and after the erasure of one person.
final class Imaged {
    /// People who are not erased, with an event each.
    static let others = 600
    /// Sequences of the person, with two events each.
    static let sessions = 5
    static let person = "anna.SMCANARY@example.com"
    /// Steps of the destruction: the server dies before each, and an image is taken.
    private static let steps = Array(EndToEnd.ErasureKills.steps.dropFirst(3))

    private(set) var loot = Attacker.Loot()
    private let deployment: Deployment
    private let settings: [String]
    private let renewsMasterKey: Bool
    private var images: [String] = []

    private var root: String { deployment.scratch.path }
    /// As the documentation advises: not where images and backups are made of.
    private var elsewhere: String { "\(root)/elsewhere" }
    private var escrow: String { "\(root)/escrow" }
    private var backups: String { "\(root)/backups" }
    /// A copy of the directory of the master key from before, which no image holds.
    var oldMasterKeys: String { "\(root)/old-master-keys" }

    private init(renewsMasterKey: Bool) throws {
        deployment = try Deployment()
        self.renewsMasterKey = renewsMasterKey
        settings = [
            "--set", "backups.directory=\(deployment.scratch.path)/backups", "--set",
            "erasures.renewsMasterKey=\(renewsMasterKey)",
        ]
    }

    static func throughErasure(renewsMasterKey: Bool) async throws -> Imaged {
        let site = try Imaged(renewsMasterKey: renewsMasterKey)
        try await site.begins()
        try await site.backsUp()
        try await site.takesImage("before")
        try FileManager.default.copyItem(atPath: site.elsewhere, toPath: site.oldMasterKeys)
        try await site.deployment.expectSuccess("subject", "erase", input: person)
        try await site.takesImage("requested")
        try await site.backsUp()
        await site.deployment.kill()
        try await site.diesAtEachStep()
        try await site.completes()
        return site
    }

    private func begins() async throws {
        for path in [elsewhere, backups] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        try await deployment.expectSuccess(
            "init", "--data", deployment.data, "--single-person", "--master-key",
            "file:\(elsewhere)/master.key", "--keyring-escrow", escrow)
        try await deployment.start(settings)
        try await Signup.prepare(deployment)
        try await Signup.derive(deployment)
        try await deployment.expectSuccess("create", "client", "dpo")
        let others = (0..<Self.others).map {
            Signup.event("s-\($0)", "survivor\($0)@example.com", "pro")
        }
        let hers = (0..<2 * Self.sessions).map {
            Signup.event("anna-\($0 % Self.sessions)", Self.person, "plan-\($0)")
        }
        try await deployment.expectSuccess(
            "send", "signups", input: (others + hers).joined(separator: "\n"))
    }

    private func backsUp() async throws {
        let made = try await deployment.expectSuccess("backup", "create", "--output", "json").json()
        guard let name = made["name"] as? String else { throw Unexpected("no backup was made") }
        try loot.takesDatabase("\(backups)/\(name)/db", rewrappedBeside: nil, "backup \(name)")
    }

    /// Plain copies of everything but the master key's directory, of a server that runs or is dead.
    private func takesImage(_ name: String) async throws {
        let image = "\(root)/image-\(name)"
        if let server = deployment.server {
            try await server.still { try copies(to: image) }
        } else {
            try copies(to: image)
        }
        images.append(image)
        try takes(image, name)
    }

    private func copies(to image: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: image, withIntermediateDirectories: false)
        try files.copyItem(atPath: deployment.data, toPath: "\(image)/data")
        try files.copyItem(atPath: escrow, toPath: "\(image)/escrow")
    }

    private func takes(_ directory: String, _ name: String) throws {
        loot.takesKeyrings(in: "\(directory)/data/keys", name)
        loot.takesKeyrings(in: "\(directory)/escrow", "\(name) escrow")
        try loot.takesDatabase(
            "\(directory)/data/db", rewrappedBeside: "\(directory)/data/keys", name)
    }

    private func diesAtEachStep() async throws {
        let last = try #require(Self.steps.firstIndex(of: "destroyBuckets"))
        for step in Self.steps[..<last] { try await dies(before: step) }
        // From here on a start ends all that is left, so each of these steps is reached from the same
        // state.
        let saved = "\(root)/saved"
        try copies(from: root, to: saved)
        for (index, step) in Self.steps[last...].enumerated() where isReached(step) {
            if index > 0 {
                for name in Self.own {
                    try FileManager.default.removeItem(atPath: "\(root)/\(name)")
                }
                try copies(from: saved, to: root)
            }
            try await dies(before: step)
        }
    }

    private func isReached(_ step: String) -> Bool {
        renewsMasterKey || !step.hasSuffix("MasterKey")
    }

    private static let own = ["data", "escrow", "elsewhere"]

    private func copies(from source: String, to target: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: target, withIntermediateDirectories: true)
        for name in Self.own {
            try files.copyItem(atPath: "\(source)/\(name)", toPath: "\(target)/\(name)")
        }
    }

    private func dies(before step: String) async throws {
        // Once a destruction has begun a start goes on with it, and dies in it.
        do {
            try await deployment.start(settings, environment: ["STRM_TEST_DIE_BEFORE": step])
            _ = try await deployment.strm("subject", "erase", "--now", input: Self.person)
        } catch is Unexpected {
            #expect(step != "appendStarted", "the server did not start")
        }
        let server = try #require(deployment.server)
        let status = await server.waitForExit(seconds: 60)
        #expect(status == 128 + SIGKILL, "before \(step)")
        await deployment.kill()
        try await takesImage(step)
    }

    private func completes() async throws {
        try await deployment.start(settings)
        let receipt = try await deployment.expectSuccess(
            "subject", "erase", "--now", input: Self.person
        ).json()
        #expect(value(receipt, "receipt", "destroyed", "dataKeys") as? Int == Self.sessions)
        let emails = try await deployment.events("signups-1-2").map { $0["email"] as? String ?? "" }
        #expect(emails.filter { $0.hasPrefix("survivor") }.count == Self.others)
        #expect(emails.filter { isSealed($0) }.count == 2 * Self.sessions)
        #expect(await deployment.stop() == 0)
        try await takesImage("today")
        try loot.takesMasterKeys(in: elsewhere, "today")
        let keyring = FileManager.default.contents(atPath: "\(deployment.data)/keys/keyring")
        guard let keyring, let key = loot.masterKeys.first, loot.masterKeys.count == 1 else {
            throw Unexpected("one master key is left, and one keyring")
        }
        loot.today = (Array(keyring), key.bytes)
        try loot.takesSecrets(of: Array(keyring), under: key.bytes)
    }

    func attacks(with other: Attacker.Loot? = nil) throws -> Attacker.Outcome {
        try Attacker(loot: other ?? loot).attacks(
            Self.person, sessions: Set((0..<Self.sessions).map { "anna-\($0)" }))
    }

    /// No image and no backup holds the master key from before, raw or as text.
    func expectsNoMasterKeyInImages() throws {
        var old = Attacker.Loot()
        try old.takesMasterKeys(in: oldMasterKeys, "old")
        let key = Data(try #require(old.masterKeys.first).bytes)
        let forms = [key, Data(key.base64EncodedString().utf8)]
        var count = 0
        for place in images + [backups, deployment.data, escrow] {
            let names = FileManager.default.enumerator(atPath: place)
            while let name = names?.nextObject() as? String {
                guard let content = FileManager.default.contents(atPath: "\(place)/\(name)")
                else { continue }
                count += 1
                #expect(forms.allSatisfy { content.range(of: $0) == nil }, "\(place)/\(name)")
            }
        }
        #expect(count > 100)
    }
}
