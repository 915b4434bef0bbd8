import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct KeyringTests {
    @Test("another master key is told apart from a damaged keyring")
    func wrongMasterKey() throws {
        let fixture = try VaultFixture()
        fixture.closes()
        let other = fixture.path + "/other.key"
        try MasterKey.create(path: other)
        #expect(throws: VaultError.masterKey("it is not the master key of this keyring")) {
            try Vault.unlock(keyringDirectory: fixture.keyringPath, masterKey: .file(other))
        }
        try fixture.opens()
    }

    @Test("every flipped bit of the keyring is noticed")
    func flippedBits() throws {
        let fixture = try VaultFixture()
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let bytes = try fixture.bytesOfKeyring()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        _ = try KeyringFile.decode(bytes, masterKey: masterKey)
        let places =
            Array(0..<420) + Array(stride(from: 420, to: bytes.count, by: 97))
            + Array(bytes.count - 20..<bytes.count)
        for place in places {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            #expect(throws: VaultError.self, "byte \(place)") {
                try KeyringFile.decode(damaged, masterKey: masterKey)
            }
        }
    }

    @Test("a keyring that is cut off anywhere, or has something behind it, is refused")
    func cuts() throws {
        let fixture = try VaultFixture()
        let bytes = try fixture.bytesOfKeyring()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self, "\(count) bytes") {
                try KeyringFile.decode(Array(bytes[..<count]), masterKey: masterKey)
            }
        }
        #expect(throws: VaultError.self) {
            try KeyringFile.decode(bytes + [0], masterKey: masterKey)
        }
    }

    @Test("a keyring of version 1 is read, and its data keys open")
    func versionOne() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.closes()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        let opened = try KeyringFile.decode(try fixture.bytesOfKeyring(), masterKey: masterKey)
        let file = try Self.older(1, opened, masterKey)
        try Data(file).write(to: URL(fileURLWithPath: fixture.keyringFile))
        try fixture.opens()
        #expect(fixture.vault.statistics.generation == opened.generation)
        #expect(fixture.vault.keyring.contents.ledgerNumber == 0)
        #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key)
        fixture.clock.advances(by: day)
        let next = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        #expect(try fixture.bytesOfKeyring()[9] == 3)
        try fixture.opens()
        for one in [key, next] {
            #expect(try fixture.vault.key(for: one.link, at: fixture.clock.now) == one)
        }
    }

    @Test("a keyring of version 2 is read: it says of the clock only what was trusted last")
    func versionTwo() throws {
        let fixture = try VaultFixture()
        fixture.clock.boots()
        try fixture.opens()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.closes()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        let opened = try KeyringFile.decode(try fixture.bytesOfKeyring(), masterKey: masterKey)
        #expect(opened.contents.clockLine != nil)
        let file = try Self.older(2, opened, masterKey)
        try Data(file).write(to: URL(fileURLWithPath: fixture.keyringFile))
        let read = try KeyringFile.decode(file, masterKey: masterKey).contents
        #expect(read.clockHighWater == opened.contents.clockHighWater)
        #expect(read.clockLine == nil && read.heldSince == 0)
        try fixture.opens()
        #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key)
    }

    @Test("what is known of the clock is read as it was written")
    func clockOnRecord() throws {
        let fixture = try VaultFixture()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        var contents = KeyringContents()
        contents.clockHighWater = 11
        contents.heldSince = 22
        contents.clockLine = ClockLine(wall: 33, monotonic: 44, boot: .max)
        let file = try KeyringFile.encode(
            contents, generation: 1, id: [UInt8](repeating: 7, count: 16), masterKey: masterKey)
        let read = try KeyringFile.decode(file, masterKey: masterKey).contents
        #expect(read.clockHighWater == 11 && read.heldSince == 22)
        #expect(read.clockLine == contents.clockLine)
    }

    /// As an older version wrote it.
    private static func older(
        _ version: UInt8, _ opened: KeyringFile.Opened, _ masterKey: LockedMemory
    ) throws -> [UInt8] {
        func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            withUnsafeBytes(of: value.bigEndian) { Array($0) }
        }
        let contents = opened.contents
        var body = bytes(contents.newestEpoch) + bytes(contents.newestDay.number)
        body += bytes(contents.clockHighWater)
        if version > 1 { body += bytes(contents.ledgerNumber) + bytes(contents.destroyedThrough) }
        body += bytes(UInt32(contents.secrets.count))
        for (name, secret) in contents.secrets {
            body += [name.kind.rawValue] + bytes(name.number) + bytes(secret.created)
            body += secret.memory.copy()
        }
        body += bytes(UInt32(contents.epochs.count))
        for (id, keys) in contents.epochs {
            body += bytes(id.epoch) + bytes(keys.day.number) + bytes(id.retention.days)
            body += keys.memory.copy()
            // Neither replaced keys nor successors.
            if version > 1 { body += [0, 0, 0, 0] }
        }
        let check = masterKey.withBytes {
            KeyedHash.hash(
                Array("strm keyring: master key check v1".utf8) + opened.id, key: $0)
        }.bytes[..<8]
        let header =
            Array("STRMKEYR".utf8) + [0, version, 0, 0] + bytes(opened.generation) + opened.id
            + check
            + [UInt8](repeating: 9, count: 12) + bytes(UInt32(body.count))
        var file = header + [UInt8](repeating: 0, count: body.count + 16)
        file.withUnsafeMutableBytes { file in
            body.withUnsafeBytes { body in
                header.withUnsafeBytes { header in
                    masterKey.withBytes { key in
                        Cryptography.seal(
                            body, key: key.baseAddress!, nonce: header.baseAddress! + 44,
                            authenticating: header, into: file.baseAddress! + 60)
                    }
                }
            }
        }
        return file
    }

    @Test("a version of the future is refused by its number")
    func version() throws {
        let fixture = try VaultFixture()
        var bytes = try fixture.bytesOfKeyring()
        bytes[9] = 4
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        #expect(throws: VaultError.keyring("version 4 is not known; this program knows 1 to 3")) {
            try KeyringFile.decode(bytes, masterKey: masterKey)
        }
    }

    @Test("died before any step of a change: the old or the new generation is there, whole")
    func crashes() throws {
        for step in KeyringStep.allCases {
            let fixture = try VaultFixture()
            let before = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
            let generation = fixture.vault.statistics.generation
            fixture.clock.advances(by: day)
            try fixture.opens(failingBefore: { now throws(VaultError) in
                if now == step { throw .keyring("died") }
            })
            #expect(throws: VaultError.keyring("died")) {
                try fixture.vault.key(of: "session-2", at: fixture.clock.now)
            }
            // Nothing was made with keys that may not be on disk.
            #expect(fixture.store.state.withLock { $0.keys.count } == 1, "\(step)")
            try fixture.opens()
            let found = fixture.vault.statistics.generation
            #expect(found == generation || found == generation + 1, "\(step)")
            let isNew = KeyringStep.allCases.firstIndex(of: step)! > 5
            #expect(found == generation + (isNew ? 1 : 0), "\(step)")
            #expect(try fixture.vault.key(for: before.link, at: fixture.clock.now) == before)
            _ = try fixture.vault.key(of: "session-2", at: fixture.clock.now)
            #expect(try names(in: fixture.keyringPath) == ["keyring"], "\(step)")
        }
    }

    @Test("died in every step one after the other, without a restart between: no key is lost")
    func repeatedFailures() throws {
        let fixture = try VaultFixture()
        let next = Atomic(0)
        let first = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        try fixture.opens(failingBefore: { step throws(VaultError) in
            let index = next.load(ordering: .relaxed)
            if index < KeyringStep.allCases.count && KeyringStep.allCases[index] == step {
                next.store(index + 1, ordering: .relaxed)
                throw .keyring("no space")
            }
        })
        fixture.clock.advances(by: day)
        var attempts = 0
        var second: LentKey?
        while second == nil && attempts < 30 {
            attempts += 1
            second = try? fixture.vault.key(of: "session-2", at: fixture.clock.now)
        }
        #expect(attempts == KeyringStep.allCases.count + 1)
        try fixture.opens()
        let made = try #require(second)
        #expect(try fixture.vault.key(for: first.link, at: fixture.clock.now) == first)
        #expect(try fixture.vault.key(for: made.link, at: fixture.clock.now) == made)
    }

    @Test("the generation before is overwritten in place and gone")
    func overwritten() throws {
        let fixture = try VaultFixture()
        let old = try fixture.bytesOfKeyring()
        let witness = fixture.path + "/witness"
        #expect(link(fixture.keyringFile, witness) == 0)
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let left = Array(try Data(contentsOf: URL(fileURLWithPath: witness)))
        #expect(left.count == old.count)
        #expect(!contains(left, Array(old[0..<8])))
        #expect(!contains(left, Array(old[60..<92])))
        #expect(try names(in: fixture.keyringPath) == ["keyring"])
    }

    @Test("no key and no secret is in the keyring or in a record as it is")
    func nothingInClear() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", subject: "anna", at: fixture.clock.now)
        let file = try fixture.bytesOfKeyring()
        let contents = fixture.vault.keyring.contents
        let bucket = try #require(contents.epochs.values.first)
        #expect(!contains(file, Array(bucket.memory.copy()[..<32])))
        #expect(!contains(file, fixture.vault.secret(.auditSigning)))
        #expect(!contains(file, fixture.vault.secret(.cursorKey)))
        let stored = fixture.store.state.withLock { state in
            state.keys.values.flatMap { $0 } + state.index.flatMap { $0.key + $0.value }
                + state.subjects.flatMap { $0 }
        }
        for place in stride(from: 0, to: 64, by: 16) {
            #expect(!contains(stored, Array(key.bytes[place..<place + 16])))
        }
        #expect(!contains(stored, Array("session-1".utf8)))
        #expect(!contains(stored, Array("anna".utf8)))
    }

    @Test("a second process is refused while the first has the keyring")
    func locked() throws {
        let fixture = try VaultFixture()
        #expect(throws: VaultError.keyring(KeyringDirectory.isInUse)) {
            try Vault.unlock(
                keyringDirectory: fixture.keyringPath, masterKey: fixture.masterKey)
        }
    }

    @Test("a keyring is made once, and its files are for their owner alone")
    func initialise() throws {
        let fixture = try VaultFixture()
        fixture.closes()
        #expect(throws: VaultError.keyring("there is one already")) {
            try Vault.initialise(
                keyringDirectory: fixture.keyringPath, masterKey: fixture.masterKey, now: 0)
        }
        for (file, mode) in [
            (fixture.keyringPath, 0o700), (fixture.keyringFile, 0o600),
            (fixture.path + "/master.key", 0o600),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            #expect(attributes[.posixPermissions] as? Int == mode, "\(file)")
        }
        #expect(throws: VaultError.keyring("there is none; run `strm init`")) {
            try FileManager.default.removeItem(atPath: fixture.keyringFile)
            try fixture.opens()
        }
    }

    @Test("secrets are 32 random bytes each and the same at every start")
    func secrets() throws {
        let fixture = try VaultFixture()
        let names: [SecretName] = [.auditSigning, .clientPepper, .cursorKey, .tokenSigning(1)]
        let first = names.map { fixture.vault.secret($0) }
        #expect(first.allSatisfy { $0.count == 32 })
        #expect(Set(first).count == 4)
        try fixture.opens()
        #expect(names.map { fixture.vault.secret($0) } == first)
    }

    @Test("token signing keys are numbered, rotate and retire; the newest stays")
    func tokenSigning() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        let first = fixture.vault.secret(.tokenSigning(1))
        #expect(try fixture.vault.rotateTokenSigning(now: now) == 2)
        #expect(fixture.vault.tokenSigningNumbers == [1, 2])
        #expect(fixture.vault.secret(.tokenSigning(2)) != first)
        try fixture.opens()
        #expect(fixture.vault.tokenSigningNumbers == [1, 2])
        #expect(fixture.vault.secret(.tokenSigning(1)) == first)
        #expect(throws: VaultError.self) { try fixture.vault.retireTokenSigning(2, now: now) }
        try fixture.vault.retireTokenSigning(1, now: now)
        try fixture.opens()
        #expect(fixture.vault.tokenSigningNumbers == [2])
        #expect(try fixture.vault.rotateTokenSigning(now: now) == 3)
    }

    @Test("another master key takes over: the old one opens nothing, all data keys are the same")
    func rotateMaster() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        let key = try fixture.vault.key(of: "session-1", at: now)
        let next = fixture.path + "/next.key"
        try MasterKey.create(path: next)
        try fixture.vault.rotateMasterKey(to: .file(next), now: now)
        fixture.closes()
        #expect(throws: VaultError.masterKey("it is not the master key of this keyring")) {
            try fixture.opens()
        }
        let vault = try Vault.unlock(
            keyringDirectory: fixture.keyringPath, masterKey: .file(next),
            clock: fixture.clock.vaultClock)
        vault.attach(store: fixture.store)
        #expect(try vault.key(for: key.link, at: now) == key)
    }

    private func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }
}
