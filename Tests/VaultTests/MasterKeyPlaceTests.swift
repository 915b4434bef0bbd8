import Foundation
import Store
import Testing

@testable import Vault

@Suite("The place of a new master key")
struct MasterKeyPlaceTests {
    /// A vault with an escrow and an erasure ledger elsewhere, and a link to the keyring's directory.
    private func fixture() throws -> VaultFixture {
        let fixture = try VaultFixture()
        let files = FileManager.default
        for directory in ["erasures", "elsewhere", "keys/inside", "erasures/inside"] {
            try files.createDirectory(
                atPath: "\(fixture.path)/\(directory)", withIntermediateDirectories: false)
        }
        try files.createSymbolicLink(
            atPath: "\(fixture.path)/link", withDestinationPath: fixture.keyringPath)
        try Vault.prepareEscrow(directory: fixture.path + "/escrow")
        try files.createSymbolicLink(
            atPath: "\(fixture.path)/other", withDestinationPath: fixture.path + "/escrow")
        fixture.configuration.erasuresDirectory = fixture.path + "/erasures"
        fixture.configuration.escrowDirectory = fixture.path + "/escrow"
        try fixture.opens()
        try fixture.vault.settleEscrow()
        return fixture
    }

    /// Why the place is refused; nil: the key is there now.
    private func refusal(_ fixture: VaultFixture, _ source: MasterKeySource) -> MasterKeyError? {
        do throws(MasterKeyError) {
            try fixture.vault.rotateMasterKey(
                to: source, makingFile: true, now: fixture.clock.now)
            return nil
        } catch {
            return error
        }
    }

    private func names(_ fixture: VaultFixture) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: fixture.path))
    }

    @Test("is none whose file the program writes over or removes: nothing is made, nothing changed")
    func reserved() throws {
        let fixture = try fixture()
        let (generation, names) = (fixture.vault.statistics.generation, try names(fixture))
        for name in [
            "keys/keyring.next", "keys/keyring.old", "keys/keyring", "keys/keyring.key",
            "link/keyring.next", "keys/watermark", "link/watermark", "keys/erasures.ledger",
            "keys/inside/master.key", "link/inside/master.key", "keys/inside/../watermark",
            "master.key.next", "master.key.old", "elsewhere/master.key.next",
            "elsewhere/keyring.next", "escrow/master.key", "other/master.key", "escrow/keyring",
            "erasures/master.key", "erasures/inside/master.key", "erasures/erasures.ledger",
            "elsewhere/", "elsewhere/..", "elsewhere/.",
        ] {
            let found = refusal(fixture, .file("\(fixture.path)/\(name)"))
            guard case .badPlace? = found else {
                Issue.record("\(name): \(String(describing: found))")
                continue
            }
        }
        #expect(try self.names(fixture) == names)
        #expect(fixture.vault.statistics.generation == generation)
        try fixture.opens()
    }

    @Test(
        "is not the one where it is, by whichever path: that is a renewal, and is asked for as one")
    func unchanged() throws {
        let fixture = try fixture()
        let generation = fixture.vault.statistics.generation
        let file = fixture.path + "/master.key"
        try FileManager.default.linkItem(atPath: file, toPath: fixture.path + "/elsewhere/b.key")
        for path in [
            file, fixture.path + "/./master.key", fixture.path + "/keys/../master.key",
            fixture.path + "/elsewhere/b.key",
        ] {
            #expect(refusal(fixture, .file(path)) == .unchanged, "\(path)")
        }
        #expect(fixture.vault.statistics.generation == generation)
    }

    @Test("is not in the escrow either while its device is away")
    func escrowAway() throws {
        let fixture = try fixture()
        let escrow = fixture.path + "/escrow"
        try FileManager.default.moveItem(atPath: escrow, toPath: escrow + ".device")
        try FileManager.default.createDirectory(
            atPath: escrow, withIntermediateDirectories: false)
        guard case .badPlace? = refusal(fixture, .file(escrow + "//./master.key")) else {
            Issue.record("a key was put below a mount point")
            return
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: escrow).isEmpty)
    }

    @Test(
        "is a file elsewhere, or one beside the keyring that is named as a key: the next start opens",
        arguments: ["keys/second.key", "link/second.key", "elsewhere/second"])
    func good(name: String) throws {
        let fixture = try fixture()
        let key = try fixture.vault.key(of: "session", at: fixture.clock.now)
        let source = MasterKeySource.file("\(fixture.path)/\(name)")
        #expect(refusal(fixture, source) == nil)
        fixture.closes()
        let vault = try Vault.unlock(
            keyringDirectory: fixture.keyringPath, masterKey: source,
            clock: fixture.clock.vaultClock)
        vault.attach(store: fixture.store)
        #expect(try vault.key(for: key.link, at: fixture.clock.now) == key)
    }
}
