import Store
import Synchronization

/// Writes the copy of a keyring into its escrow, and knows how that stands.
///
/// `attempt` alone touches the escrow's device. It is for one thread, which may hang in it for as
/// long as the device does; everything else takes a short lock.
final class EscrowWriter: Sendable {
    private struct State {
        var newest: (bytes: [UInt8], generation: UInt64)?
        var held: UInt64?
        var failure: VaultError?
        var behindSince: Milliseconds?
        /// The directory that was written last.
        var place: FileIdentity?
        /// Those who wait for an attempt that has not begun yet.
        var waiting: [EscrowWait] = []
        /// Those who wait for the one that is under way.
        var served: [EscrowWait] = []
        /// An attempt did not end in time, and has not ended since.
        var isStuck = false

        mutating func note(_ failure: VaultError, at now: Milliseconds) {
            self.failure = failure
            held = nil
            if behindSince == nil { behindSince = now }
        }
    }

    private static let noAnswer = VaultError.keyring(
        "its escrow is behind: its device does not answer")

    private let path: String
    private let id: [UInt8]
    private let wall: @Sendable () -> Milliseconds
    /// Called before each step of a write: a fault hook of the tests.
    private let before: KeyringDirectory.Hook
    private let state = Mutex(State())

    init(
        path: String, id: [UInt8], wall: @escaping @Sendable () -> Milliseconds,
        before: @escaping KeyringDirectory.Hook
    ) {
        self.path = path
        self.id = id
        self.wall = wall
        self.before = before
    }

    /// Takes the place of what waits.
    func take(_ bytes: [UInt8], generation: UInt64) {
        let now = wall()
        state.withLock {
            $0.newest = (bytes, generation)
            if $0.behindSince == nil { $0.behindSince = now }
        }
    }

    /// Somebody waits for an attempt that begins after this call.
    /// - Throws: at once while one did not end in time and has not ended since: the next would not
    ///   begin before it.
    func ask() throws(VaultError) -> EscrowWait {
        let asker = EscrowWait()
        let isStuck = state.withLock { state in
            if !state.isStuck { state.waiting.append(asker) }
            return state.isStuck
        }
        guard !isStuck else { throw Self.noAnswer }
        return asker
    }

    /// Somebody waited long enough.
    /// - Throws: that the device does not answer; if the attempt has ended just now, why it failed.
    func giveUp(_ asker: EscrowWait) throws(VaultError) {
        let now = wall()
        let isPending = state.withLock { state in
            guard (state.waiting + state.served).contains(where: { $0 === asker }) else {
                return false
            }
            state.isStuck = true
            state.note(Self.noAnswer, at: now)
            return true
        }
        guard !isPending else { throw Self.noAnswer }
        try asker.check()
    }

    /// Writes what waits, if it is not there. Looks each time at what is at the path now: the device
    /// may have gone, or another be in its place. What goes wrong stands in `status`. Blocks.
    func attempt() {
        let newest = state.withLock { state in
            state.served = state.waiting
            state.waiting = []
            return state.newest
        }
        let failure: VaultError? = if let newest { tried(newest) } else { nil }
        let place = failure == nil ? FileIdentity(path: path) : nil
        let now = wall()
        state.withLock { state in
            state.isStuck = false
            if let failure {
                state.note(failure, at: now)
            } else if let newest {
                state.held = newest.generation
                state.failure = nil
                state.behindSince = state.newest?.generation == newest.generation ? nil : now
                state.place = place
            }
            for asker in state.served { asker.end(failure) }
            state.served = []
        }
    }

    var status: EscrowStatus {
        state.withLock {
            EscrowStatus(
                generation: $0.held, behindSince: $0.behindSince,
                failure: $0.failure?.description)
        }
    }

    var isStuck: Bool { state.withLock { $0.isStuck } }
    /// Which directory it is; nil until it was written once.
    var place: FileIdentity? { state.withLock { $0.place } }

    private func tried(_ newest: (bytes: [UInt8], generation: UInt64)) -> VaultError? {
        do throws(VaultError) {
            try write(newest, to: try KeyringDirectory(path: path, before: before))
            return nil
        } catch {
            return .keyring("its escrow is behind: \(error.description)")
        }
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
            guard try KeyringEscrow.files(path).exists(KeyringEscrow.mark) else {
                throw .keyring(
                    "the directory of the escrow holds neither a keyring nor the empty file "
                        + "\(KeyringEscrow.mark): is its device mounted?")
            }
        }
        try directory.replace(with: newest.bytes)
        // From now on the keyring is the mark.
        try? KeyringEscrow.files(path).remove(KeyringEscrow.mark)
    }
}
