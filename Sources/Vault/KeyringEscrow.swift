import Store
import Synchronization

/// Keeps a copy of the keyring's current generation in a directory elsewhere, best on another
/// device: sealed under the master key like the keyring, each generation in the place of the one
/// before, which is overwritten and unlinked (`KeyringDirectory`).
///
/// A generation that has destroyed keys is destroyed for good only when the escrow does not hold the
/// one before it any more: see `Vault.settleEscrow`. Writing happens on a thread of its own, so that
/// a device that hangs stops nobody who needs a key.
final class KeyringEscrow: Sendable {
    private struct State {
        var newest: (bytes: [UInt8], generation: UInt64)?
        var held: UInt64?
        var failure: VaultError?
        var behindSince: Milliseconds?
    }

    private let path: String
    private let id: [UInt8]
    private let wall: @Sendable () -> Milliseconds
    private let state = Mutex(State())
    /// Held while the copy is written: one writer at a time.
    private let output = Mutex<Void>(())
    private let writer: BlockingPool

    /// - Parameter id: of the keyring: the copy of another one is never overwritten.
    init(
        path: String, id: [UInt8], wall: @escaping @Sendable () -> Milliseconds
    ) throws(VaultError) {
        self.path = path
        self.id = id
        self.wall = wall
        do throws(StoreError) {
            writer = try BlockingPool(threads: 1, waitingMax: 1)
        } catch {
            throw .store(error)
        }
    }

    deinit { writer.shutdown() }

    /// Takes the place of what waits. Does not block.
    func offer(_ bytes: [UInt8], generation: UInt64) {
        let now = wall()
        state.withLock {
            $0.newest = (bytes, generation)
            if $0.behindSince == nil { $0.behindSince = now }
        }
        do throws(StoreError) {
            // No strong reference: the last one would end the pool on its own thread.
            try writer.submit { [weak self] in
                // What goes wrong stands in `status`, and is tried again.
                try? self?.settle()
            }
        } catch {
            // One is waiting already; it will take the newest.
        }
    }

    /// Writes what waits, and returns when the copy is the current generation. Looks each time at
    /// what is at the path now: the device may have gone, or another be in its place. Blocks.
    func settle() throws(VaultError) {
        try output.withLock { _ throws(VaultError) in
            guard let newest = state.withLock({ $0.newest }) else { return }
            do throws(VaultError) {
                try write(newest, to: try KeyringDirectory(path: path))
            } catch {
                let told = VaultError.keyring("its escrow is behind: \(error.description)")
                let now = wall()
                state.withLock {
                    $0.failure = told
                    $0.held = nil
                    if $0.behindSince == nil { $0.behindSince = now }
                }
                throw told
            }
            let now = wall()
            state.withLock {
                $0.held = newest.generation
                $0.failure = nil
                $0.behindSince = $0.newest?.generation == newest.generation ? nil : now
            }
        }
    }

    var status: EscrowStatus {
        state.withLock {
            EscrowStatus(
                generation: $0.held, behindSince: $0.behindSince,
                failure: $0.failure?.description)
        }
    }

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

    private static func files(_ path: String) throws(VaultError) -> FileDirectory {
        try FileDirectory(path: path, makes: false) { .keyring("its escrow: \($0)") }
    }

    private func write(
        _ newest: (bytes: [UInt8], generation: UInt64), to directory: KeyringDirectory
    ) throws(VaultError) {
        if directory.hasKeyring {
            let there = try KeyringFile.label(of: try directory.read())
            guard there.id == id else {
                throw .keyring("the escrow holds the keyring of another installation")
            }
            guard there.generation <= newest.generation else {
                throw .keyring(
                    "the escrow holds generation \(there.generation), the keyring is "
                        + "generation \(newest.generation): an old copy of it was put back")
            }
            if there.generation == newest.generation, try directory.read() == newest.bytes {
                return
            }
        } else {
            guard try Self.files(path).exists(Self.mark) else {
                throw .keyring(
                    "the directory of the escrow holds neither a keyring nor the empty file "
                        + "\(Self.mark): is its device mounted?")
            }
        }
        try directory.replace(with: newest.bytes)
        // From now on the keyring is the mark.
        try? Self.files(path).remove(Self.mark)
    }
}
