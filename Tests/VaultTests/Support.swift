import Foundation
import Store
import Synchronization

@testable import Privacy
@testable import Vault

/// Wall and monotonic time that move when they are told to.
final class ManualClock: Sendable {
    private struct State {
        var wall: Milliseconds
        var monotonic: Milliseconds = 5_000
        var boot: UInt64 = 0
        var isSynchronised = true
    }

    private let state: Mutex<State>

    /// Noon of 2026-11-23, so that a day's end is 12 hours away.
    static let noon: Milliseconds = 1_795_435_200_000

    init(_ wall: Milliseconds = noon) {
        state = Mutex(State(wall: wall))
    }

    var now: Milliseconds { state.withLock { $0.wall } }

    /// Time passes.
    func advances(by milliseconds: Milliseconds) {
        state.withLock {
            $0.wall += milliseconds
            $0.monotonic += milliseconds
        }
    }

    /// Somebody sets the wall clock.
    func jumps(by milliseconds: Milliseconds) {
        state.withLock { $0.wall += milliseconds }
    }

    /// The machine starts, which takes five seconds; its monotonic clock begins again, and can be
    /// told from the one before. Without it no two openings of a vault share a boot.
    func boots(isSynchronised: Bool = true) {
        state.withLock {
            $0.boot += 1
            $0.wall += 5_000
            $0.monotonic = 5_000
            $0.isSynchronised = isSynchronised
        }
    }

    /// A time source keeps the wall clock from now on.
    func synchronises() { state.withLock { $0.isSynchronised = true } }

    /// Of the boot that is now.
    var vaultClock: VaultClock {
        VaultClock(
            wall: { self.state.withLock { $0.wall } },
            monotonic: { self.state.withLock { $0.monotonic } },
            boot: state.withLock { $0.boot },
            isSynchronised: { self.state.withLock { $0.isSynchronised } })
    }
}

let second: Milliseconds = 1_000
let hour: Milliseconds = 3_600_000
let day: Milliseconds = 24 * hour

/// A store in memory whose commits happen when they are told to.
final class MemoryKeyStore: KeyStore {
    struct State {
        var keys: [KeyLink: [UInt8]] = [:]
        var index: [[UInt8]: [UInt8]] = [:]
        var subjects: [[UInt8]] = []
        var waiting: [([Mutation], (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?)] = []
        var isHolding = false
        var refusal: StoreError?
        var onSubmit: (@Sendable () -> Void)?
        var reads = 0
    }

    let state = Mutex(State())

    func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? {
        state.withLock {
            $0.reads += 1
            return $0.keys[link]
        }
    }

    func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        state.withLock {
            $0.reads += 1
            return $0.index[key]
        }
    }

    func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError) {
        state.withLock { $0.onSubmit }?()
        let refusal = state.withLock { state in
            if state.refusal == nil { state.waiting.append((mutations, completion)) }
            return state.refusal
        }
        if let refusal { throw refusal }
        if state.withLock({ !$0.isHolding }) { commit() }
    }

    func holds(_ isHolding: Bool) { state.withLock { $0.isHolding = isHolding } }
    func refuses(with error: StoreError?) { state.withLock { $0.refusal = error } }

    /// What a commit of everything that waits does.
    func commit() {
        let waiting = state.withLock { state in
            let waiting = state.waiting
            state.waiting = []
            for mutation in waiting.flatMap(\.0) { Self.apply(mutation, &state) }
            return waiting
        }
        for (_, completion) in waiting { completion?(.success(CommitReceipt())) }
    }

    func failsCommit() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for (_, completion) in waiting { completion?(.failure(.poisoned)) }
    }

    private static func apply(_ mutation: Mutation, _ state: inout State) {
        switch mutation {
        case .putKey(let link, let record): state.keys[link] = record
        case .putIndex(let key, let value): state.index[key] = value
        case .putSubject(let key, _): state.subjects.append(key)
        case .deleteKey(let link): state.keys[link] = nil
        case .deleteIndex(let key): state.index[key] = nil
        case .deleteSubject(let key): state.subjects.removeAll { $0 == key }
        default: break
        }
    }
}

/// A vault in a directory of its own, which goes with it.
final class VaultFixture {
    let path: String
    let clock: ManualClock
    let store = MemoryKeyStore()
    var configuration = VaultConfiguration(cachedKeysMax: 1_024)
    private var opened: Vault?
    var vault: Vault {
        guard let opened else { preconditionFailure("the vault is not open") }
        return opened
    }

    var keyringPath: String { path + "/keys" }
    var keyringFile: String { keyringPath + "/keyring" }
    var masterKey: MasterKeySource { .file(path + "/master.key") }

    init(at wall: Milliseconds = ManualClock.noon, cachedKeysMax: Int = 1_024) throws {
        path = FileManager.default.temporaryDirectory.path + "/vault-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        clock = ManualClock(wall)
        configuration.cachedKeysMax = cachedKeysMax
        try Vault.initialise(keyringDirectory: keyringPath, masterKey: masterKey, now: clock.now)
        try opens()
    }

    deinit {
        opened = nil
        try? FileManager.default.removeItem(atPath: path)
    }

    func opens(failingBefore hook: @escaping KeyringDirectory.Hook = { _ in }) throws {
        opened = nil
        let vault = try Vault(
            directory: try KeyringDirectory(path: keyringPath, before: hook),
            masterKey: masterKey, clock: clock.vaultClock, configuration: configuration)
        vault.attach(store: store)
        opened = vault
    }

    func closes() { opened = nil }

    func bytesOfKeyring() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: keyringFile)))
    }
}

struct LentKey: Equatable {
    var link: KeyLink
    var bytes: [UInt8]

    init(_ key: borrowing DataKey) {
        link = key.keyLink
        bytes = key.withBytes { Array($0) }
    }

    func seals(_ value: String) -> [UInt8] {
        var cipher = FieldCipher()
        bytes.withUnsafeBytes {
            cipher.setKey($0, keyID: UInt32(truncatingIfNeeded: link.high >> 32))
        }
        return CipherSelfTest.seal(Array(value.utf8), with: &cipher)
    }
}

let clicks = StreamID(rawValue: 7)

extension Vault {
    func key(
        of sequence: String, stream: StreamID = clicks, retention: RetentionClass = .standard,
        subject: String? = nil, at now: Milliseconds
    ) throws(VaultError) -> LentKey {
        let value = Bytes(sequence)
        let person = subject.map { Bytes($0) }
        return try withKey(
            stream: stream, retention: retention, keyValue: value.buffer, subject: person?.buffer,
            now: now
        ) { LentKey($0) }
    }

    func cachedKey(
        of sequence: String, stream: StreamID = clicks, retention: RetentionClass = .standard,
        subject: String? = nil, at now: Milliseconds
    ) -> LentKey? {
        let value = Bytes(sequence)
        let person = subject.map { Bytes($0) }
        return withCachedKey(
            stream: stream, retention: retention, keyValue: value.buffer,
            subject: person?.buffer, now: now
        ) { LentKey($0) }
    }

    func key(for link: KeyLink, at now: Milliseconds) throws(VaultError) -> LentKey {
        var lent: LentKey?
        let isLent = try withKey(link: link, now: now) { key in
            lent = LentKey(key)
            return true
        }
        guard isLent, let lent else { throw .sealedVault }
        return lent
    }
}

/// Bytes at a place that stays.
final class Bytes {
    let buffer: UnsafeRawBufferPointer

    init(_ text: String) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        room.copyBytes(from: text.utf8)
        buffer = UnsafeRawBufferPointer(room)
    }

    deinit { buffer.deallocate() }
}

func contains(_ haystack: [UInt8], _ needle: [UInt8]) -> Bool {
    Data(haystack).range(of: Data(needle)) != nil
}

extension LockedMemory {
    func copy() -> [UInt8] { withBytes { Array($0) } }
}
