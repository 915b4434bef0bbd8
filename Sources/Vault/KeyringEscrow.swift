import Store

/// Keeps a copy of the keyring's current generation in a directory elsewhere, best on another
/// device: sealed under the master key like the keyring, each generation in the place of the one
/// before, which is overwritten and unlinked (`KeyringDirectory`).
///
/// A generation that has destroyed keys is destroyed for good only when the escrow does not hold the
/// one before it any more: see `Vault.settleEscrow`. All of the writing happens on a thread of its
/// own, so that a device that hangs stops nobody who needs a key, and keeps nobody who waits for it
/// longer than `answerSecondsMax`.
final class KeyringEscrow: Sendable {
    /// How long `settle` waits for the device, in seconds.
    static let answerSecondsMax = 10.0

    private let writer: EscrowWriter
    private let thread: BlockingPool
    private let secondsMax: Double

    /// - Parameters:
    ///   - id: of the keyring: the copy of another one is never overwritten.
    ///   - hook: called before each step of a write: a fault hook of the tests.
    init(
        path: String, id: [UInt8], wall: @escaping @Sendable () -> Milliseconds,
        secondsMax: Double = KeyringEscrow.answerSecondsMax,
        before hook: @escaping KeyringDirectory.Hook = { _ in }
    ) throws(VaultError) {
        writer = EscrowWriter(path: path, id: id, wall: wall, before: hook)
        self.secondsMax = secondsMax
        do throws(StoreError) {
            thread = try BlockingPool(threads: 1, waitingMax: 1)
        } catch {
            throw .store(error)
        }
    }

    deinit {
        // A stop of the server does not wait for a device that hangs; the thread ends with the
        // process.
        if !writer.isStuck { thread.shutdown() }
    }

    /// Takes the place of what waits. Does not block.
    func offer(_ bytes: [UInt8], generation: UInt64) {
        writer.take(bytes, generation: generation)
        do throws(StoreError) {
            try submit()
        } catch {
            // One is waiting already; it will take the newest.
        }
    }

    /// Has what waits written, and returns when the copy is the current generation. Blocks, no
    /// longer than `answerSecondsMax`: while the device does not answer it is behind.
    func settle() throws(VaultError) {
        let asker = try writer.ask()
        do throws(StoreError) {
            try submit()
        } catch {
            // One is waiting already; it begins after this call, so it answers this one too.
            guard case .overloaded = error else { throw .store(error) }
        }
        guard asker.ends(within: secondsMax) else { return try writer.giveUp(asker) }
        try asker.check()
    }

    private func submit() throws(StoreError) {
        // No reference to `self`: the last one would end the thread on itself.
        try thread.submit { [writer] in writer.attempt() }
    }

    var status: EscrowStatus { writer.status }
    /// Which directory it is, as far as that is known without a look at the device.
    var place: FileIdentity? { writer.place }

    /// An empty file that says that the directory is one for an escrow, until there is one: a mount
    /// point without its device looks like an empty directory.
    static let mark = "escrow.prepared"

    static func prepare(path: String) throws(VaultError) {
        try KeyringDirectory.create(path: path)
        guard try !KeyringDirectory(path: path).hasKeyring else {
            throw .keyring("the directory for its escrow holds a keyring already")
        }
        let directory = try files(path)
        guard !directory.exists(mark) else { return }
        try directory.create(mark, [])
        try directory.syncNames()
    }

    static func files(_ path: String) throws(VaultError) -> FileDirectory {
        try FileDirectory(path: path, makes: false) { .keyring("its escrow: \($0)") }
    }
}
