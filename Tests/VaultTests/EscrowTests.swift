import Dispatch
import Foundation
import Store
import Testing

@testable import Vault

@Suite("The escrow of a keyring")
struct EscrowTests {
    private func fixture(preparing: Bool = true) throws -> (VaultFixture, escrow: String) {
        let fixture = try VaultFixture()
        let escrow = fixture.path + "/escrow"
        if preparing { try Vault.prepareEscrow(directory: escrow) }
        fixture.configuration.escrowDirectory = escrow
        try fixture.opens()
        return (fixture, escrow)
    }

    private func bytes(_ directory: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(directory)/keyring")))
    }

    private func expect(_ directory: String, holds expected: [UInt8]) throws {
        // Compared first: what is printed of a failure is no keyring.
        let isSame = try bytes(directory) == expected
        #expect(isSame)
    }

    private func names(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    @Test("holds each generation, and nothing of the one before")
    func followsGenerations() throws {
        let (fixture, escrow) = try fixture()
        for round in 0..<4 {
            _ = try fixture.vault.key(of: "session-\(round)", at: fixture.clock.now)
            try fixture.vault.settleEscrow()
            try expect(escrow, holds: fixture.bytesOfKeyring())
            #expect(try names(escrow) == ["keyring"])
            let status = try #require(fixture.vault.statistics.escrow)
            #expect(status.generation == fixture.vault.statistics.generation)
            #expect(!status.isBehind)
            fixture.clock.advances(by: day)
        }
    }

    @Test("is written without being asked")
    func writesByItself() throws {
        let (fixture, escrow) = try fixture()
        _ = try fixture.vault.key(of: "session", at: fixture.clock.now)
        while fixture.vault.escrowStatus?.isBehind == true { usleep(500) }
        try expect(escrow, holds: fixture.bytesOfKeyring())
    }

    @Test("brings a lost keyring back: what was sealed before opens again")
    func roundTrip() throws {
        let (fixture, escrow) = try fixture()
        let before = try fixture.vault.key(of: "session", at: fixture.clock.now)
        try fixture.vault.settleEscrow()
        fixture.closes()
        try FileManager.default.removeItem(atPath: fixture.keyringPath)
        let generation = try Vault.bringBackKeyring(
            fromEscrow: escrow, to: fixture.keyringPath)
        try fixture.opens()
        #expect(fixture.vault.statistics.generation == generation)
        #expect(try fixture.vault.key(of: "session", at: fixture.clock.now) == before)
    }

    @Test("does not hold what was destroyed, once the destruction is settled")
    func forgetsDestroyed() throws {
        let (fixture, escrow) = try fixture()
        let link = try fixture.vault.key(of: "session", at: fixture.clock.now).link
        try fixture.vault.settleEscrow()
        let older = fixture.path + "/older"
        try FileManager.default.copyItem(atPath: escrow, toPath: older)
        fixture.clock.advances(by: 10 * day)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now).count == 1)
        try fixture.vault.settleEscrow()
        fixture.closes()
        func opens(_ directory: String) throws -> Bool {
            let vault = try Vault.unlock(
                keyringDirectory: directory, masterKey: fixture.masterKey,
                clock: fixture.clock.vaultClock)
            vault.attach(store: fixture.store)
            return try vault.expiry(of: link) != nil
        }
        #expect(try !opens(escrow))
        // The control: a copy of the generation before does.
        #expect(try opens(older))
    }

    /// A device that answers nobody until it is told to.
    private final class Device: Sendable {
        private let answers = DispatchSemaphore(value: 0)

        func hangs() {
            answers.wait()
            answers.signal()
        }

        func comesBack() { answers.signal() }
    }

    @Test("on a device that hangs keeps nobody waiting for ever, and is current when it comes back")
    func hanging() throws {
        let fixture = try VaultFixture()
        let escrow = fixture.path + "/escrow"
        try Vault.prepareEscrow(directory: escrow)
        let bytes = try fixture.bytesOfKeyring()
        let label = try KeyringFile.label(of: bytes)
        let (device, clock) = (Device(), fixture.clock)
        let keeper = try KeyringEscrow(
            path: escrow, id: label.id, wall: { clock.now }, secondsMax: 0.05,
            before: { _ throws(VaultError) in device.hangs() })
        let noAnswer = VaultError.keyring("its escrow is behind: its device does not answer")
        for _ in 0..<3 {
            keeper.offer(bytes, generation: label.generation)
            #expect(throws: noAnswer) { try keeper.settle() }
            #expect(keeper.status.isBehind && keeper.status.failure == noAnswer.description)
        }
        device.comesBack()
        while keeper.status.isBehind { usleep(500) }
        #expect(keeper.status == EscrowStatus(generation: label.generation))
        try expect(escrow, holds: bytes)
    }

    @Test("on a device that is gone is behind and says so; keys are made all the same")
    func behind() throws {
        let (fixture, escrow) = try fixture(preparing: false)
        _ = try fixture.vault.key(of: "session", at: fixture.clock.now)
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        let status = try #require(fixture.vault.escrowStatus)
        #expect(status.isBehind && status.generation == nil && status.failure != nil)
        #expect(!FileManager.default.fileExists(atPath: escrow), "a mount point is not made")
        try Vault.prepareEscrow(directory: escrow)
        try fixture.vault.settleEscrow()
        #expect(fixture.vault.escrowStatus?.isBehind == false)
        #expect(fixture.vault.escrowStatus?.failure == nil)
        try expect(escrow, holds: fixture.bytesOfKeyring())
    }

    @Test("writes nothing into a mount point without its device, before the first time or after it")
    func notMounted() throws {
        let (fixture, escrow) = try fixture()
        let device = escrow + ".device"
        func unmounts() throws {
            try FileManager.default.moveItem(atPath: escrow, toPath: device)
            try FileManager.default.createDirectory(
                atPath: escrow, withIntermediateDirectories: false)
        }
        func mounts() throws {
            #expect(try names(escrow).isEmpty)
            try FileManager.default.removeItem(atPath: escrow)
            try FileManager.default.moveItem(atPath: device, toPath: escrow)
        }
        try fixture.vault.settleEscrow()
        try unmounts()
        // Noticed also while there is nothing new to write.
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        #expect(fixture.vault.escrowStatus?.isBehind == true)
        _ = try fixture.vault.key(of: "session", at: fixture.clock.now)
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        try fixture.opens()
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        try mounts()
        try fixture.vault.settleEscrow()
        try expect(escrow, holds: fixture.bytesOfKeyring())
        #expect(fixture.vault.escrowStatus?.isBehind == false)
    }

    @Test("of another installation is never overwritten, nor is a newer one")
    func foreign() throws {
        let other = try VaultFixture()
        let (fixture, escrow) = try fixture()
        try fixture.vault.settleEscrow()
        fixture.closes()
        let mine = try bytes(escrow)
        func put(_ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(filePath: "\(escrow)/keyring"))
        }
        try put(other.bytesOfKeyring())
        try fixture.opens()
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        try expect(escrow, holds: other.bytesOfKeyring())
        fixture.closes()
        // Bytes 12 to 19 are the generation.
        var newer = mine
        newer[12] = 1
        try put(newer)
        try fixture.opens()
        #expect(throws: VaultError.self) { try fixture.vault.settleEscrow() }
        try expect(escrow, holds: newer)
    }

    @Test("is not made over a keyring, and does not take the place of one")
    func refusals() throws {
        let (fixture, escrow) = try fixture()
        try fixture.vault.settleEscrow()
        fixture.closes()
        #expect(throws: VaultError.self) {
            try Vault.prepareEscrow(directory: fixture.keyringPath)
        }
        // Unless it is that very one: then there is nothing to do.
        #expect(try Vault.isKeyring(in: fixture.keyringPath, thatOfEscrow: escrow))
        let generation = try Vault.bringBackKeyring(
            fromEscrow: escrow, to: fixture.keyringPath)
        #expect(try KeyringFile.label(of: fixture.bytesOfKeyring()).generation == generation)
        fixture.configuration.escrowDirectory = nil
        try fixture.opens()
        _ = try fixture.vault.key(of: "session", at: fixture.clock.now)
        fixture.closes()
        let before = try fixture.bytesOfKeyring()
        #expect(try !Vault.isKeyring(in: fixture.keyringPath, thatOfEscrow: escrow))
        #expect(throws: VaultError.self) {
            try Vault.bringBackKeyring(fromEscrow: escrow, to: fixture.keyringPath)
        }
        let after = try fixture.bytesOfKeyring()
        let isSame = after == before
        #expect(isSame)
        #expect(throws: VaultError.self) {
            try Vault.bringBackKeyring(
                fromEscrow: fixture.path + "/none", to: fixture.path + "/new")
        }
    }
}
