import Audit
import AuditProof
import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

/// A vault over a real store with its audit log, in a directory that goes with it; it stops, starts
/// and takes copies of its files.
final class ErasureSite {
    let path: String
    let clock = ManualClock()
    var renewsMasterKey: Bool?
    var escrow: String?
    /// Ids of the erasures that have a receipt; nil: all.
    var receipts: Set<String>?
    private var ownsFiles = true
    private var opened: (vault: Vault, store: Store, audit: AuditLog)?

    var vault: Vault { open.vault }
    var store: Store { open.store }
    private var open: (vault: Vault, store: Store, audit: AuditLog) {
        guard let opened else { preconditionFailure("the site is closed") }
        return opened
    }

    var now: Milliseconds { clock.now }
    var keyringFile: String { path + "/keys/keyring" }
    var masterKeyFile: String { path + "/master.key" }
    var ledgerFile: String { path + "/erasures/erasures.ledger" }
    var streams: [StreamID] { [clicks] }
    static let officer = (client: "dpo-1", role: "dpo")

    init(renewsMasterKey: Bool? = true) throws {
        self.renewsMasterKey = renewsMasterKey
        path = FileManager.default.temporaryDirectory.path + "/erasure-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        var configuration = VaultConfiguration()
        configuration.erasuresDirectory = path + "/erasures"
        try Vault.initialise(
            keyringDirectory: path + "/keys", masterKey: .file(masterKeyFile), now: clock.now,
            configuration: configuration)
        try opens()
    }

    /// The same site in another process, which leaves its files alone.
    init(existing path: String) {
        self.path = path
        renewsMasterKey = true
        ownsFiles = false
    }

    deinit {
        closes()
        if ownsFiles { try? FileManager.default.removeItem(atPath: path) }
    }

    func closes() {
        opened?.store.close()
        opened = nil
    }

    /// A start of everything, as the server does it.
    func opens(
        acceptsOlderState: Bool = false, isRestored: Bool = false,
        before hook: @escaping ErasureStep.Hook = { _ in },
        keyring keyringHook: @escaping KeyringDirectory.Hook = { _ in }
    ) throws {
        closes()
        var configuration = VaultConfiguration(cachedKeysMax: 1_024)
        configuration.erasuresDirectory = path + "/erasures"
        configuration.renewsMasterKey = renewsMasterKey
        configuration.beforeErasureStep = hook
        configuration.escrowDirectory = escrow
        if let receipts { configuration.issuedReceipts = { receipts } }
        let clock = clock
        let vault = try Vault(
            directory: try KeyringDirectory(path: path + "/keys", before: keyringHook),
            masterKey: .file(masterKeyFile), clock: clock.vaultClock, configuration: configuration)
        var storage = StoreConfiguration(
            directory: path + "/data", watermarkPath: path + "/watermark")
        storage.acceptsOlderState = acceptsOlderState
        let store = try Store.open(storage, clock: { clock.now })
        do {
            let audit = try AuditLog(
                store: store,
                signer: try CheckpointSigner(
                    name: "test/audit", privateKey: vault.secret(.auditSigning)),
                acceptsOlderState: acceptsOlderState)
            store.setCommitStage(audit)
            vault.attach(store: store)
            try store.start()
            if isRestored {
                try vault.beginRestored(
                    recording: .audit(AuditLog.draft(AuditEntry(act: .storeRestored))),
                    givesUpLedger: true, now: clock.now)
            }
            try vault.recoverErasures(now: clock.now)
            opened = (vault, store, audit)
        } catch {
            store.close()
            throw error
        }
    }

    /// Says that the ledger is lost, as a restore does. The site is closed.
    /// - Returns: the last number that was found.
    @discardableResult
    func givesUpLedger() throws -> UInt64 {
        var configuration = VaultConfiguration(cachedKeysMax: 1_024)
        configuration.erasuresDirectory = path + "/erasures"
        configuration.isReadOnly = true
        configuration.acceptsOlderLedger = true
        let vault = try Vault.unlock(
            keyringDirectory: path + "/keys", masterKey: .file(masterKeyFile),
            clock: clock.vaultClock, configuration: configuration)
        let found = vault.foundLedgerNumber
        try vault.giveUpLedger(now: now)
        return found
    }

    /// Dies before a step of an erasure: everything after it stays undone.
    func opens(dyingBefore wanted: ErasureStep) throws {
        try opens(before: { step throws(VaultError) in
            if step == wanted { throw .keyring("died") }
        })
    }

    func copies(_ name: String, to copy: String) throws {
        try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(copy)")
    }

    /// Puts a copy in the place of what is there. The site is closed.
    func bringsBack(_ copy: String, as name: String) throws {
        try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        try FileManager.default.copyItem(atPath: "\(path)/\(copy)", toPath: "\(path)/\(name)")
    }

    func bytes(of file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    }

    func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)")) ?? [])
            .sorted()
    }

    // MARK: What happens

    func key(of sequence: String, subject: String? = nil) throws -> LentKey {
        try vault.key(of: sequence, subject: subject, at: now)
    }

    /// Keys of so many sequences of one person.
    func keys(_ count: Int, of person: String) throws -> [LentKey] {
        try (0..<count).map { try key(of: "\(person)-\($0)", subject: person) }
    }

    @discardableResult
    func erases(
        _ person: String, id: String = Vault.newErasureID(), fence: Bool = false,
        streams: [StreamID]? = nil
    ) throws -> Erasure {
        try vault.erases(
            person, id: id, fence: fence, streams: streams ?? self.streams, at: now)
    }

    func links(of person: String) throws -> [SubjectLink] {
        try store.waitForCommits()
        return try Array(person.utf8).withUnsafeBytes {
            try vault.links(ofSubject: $0, streams: streams)
        }
    }

    func hash(of person: String) -> Hash256 {
        Array(person.utf8).withUnsafeBytes { vault.personHash($0) }
    }

    func record(of link: KeyLink) throws -> [UInt8]? {
        try store.waitForCommits()
        return try store.readKey(link)
    }

    /// Puts a record into the store, as somebody would who has a copy of it.
    func puts(_ record: [UInt8], under link: KeyLink) throws {
        let wait = CommitWait()
        try store.submit([.replaceKey(link, record: record)]) { wait.finish($0) }
        try wait.value()
    }

    /// How many of the keys are lent for opening, asked without the cache's help.
    func openable(_ keys: [LentKey]) throws -> Int {
        try store.waitForCommits()
        var count = 0
        for key in keys {
            vault.cache.remove(key.link)
            do throws(VaultError) {
                #expect(try vault.key(for: key.link, at: now) == key)
                count += 1
            } catch {
                guard error == .keyGone else { throw error }
            }
        }
        return count
    }

    /// The acts in the audit log, in order.
    func acts() throws -> [String] {
        var acts: [String] = []
        try store.scanAudit(from: []) { _, value in
            let text = String(decoding: value, as: UTF8.self)
            for act in Act.allCases where text.contains("\"act\":\"\(act.rawValue)\"") {
                acts.append(act.rawValue)
            }
            return true
        }
        return acts
    }

    func masterKey() throws -> LockedMemory {
        try MasterKey.read(.file(masterKeyFile), commandSeconds: 1)
    }
}

extension Vault {
    @discardableResult
    func erases(
        _ person: String, id: String, fence: Bool = false, streams: [StreamID] = [clicks],
        at now: Milliseconds
    ) throws -> Erasure {
        try Array(person.utf8).withUnsafeBytes {
            try requestErasure(
                of: $0, streams: streams, id: id, by: ErasureSite.officer, reference: "case 7",
                fence: fence, now: now)
        }
    }
}
