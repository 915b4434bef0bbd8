package import Store
import Synchronization

/// Renewing a master key that is a file.
extension Vault {
    /// Makes a new master key in the place of the one in the file, writes the keyring under it and
    /// overwrites the old one: copies of older keyring files cannot be opened with what exists from
    /// then on. A copy of the old key opens nothing any more. Durable on return; if the process dies
    /// in between the next start ends it. Blocks.
    /// - Throws: `.escrowBehind`: nothing was changed. `.halfway`: the keyring is under the new key,
    ///   or under that of a renewal before which cannot be ended; both files must be kept. `.vault`:
    ///   `.masterKey` if the key is not in a file, or its directory cannot be written: nothing was
    ///   changed.
    package func renewMasterKey(now: Milliseconds) throws(MasterKeyError) {
        try batches.lock.withLock { _ throws(MasterKeyError) in
            try checkEscrow()
            try endLeftRenewal()
            let left: String?
            do throws(VaultError) {
                left = try renewed(now: now)
            } catch {
                throw .vault(error)
            }
            if let left { throw .halfway(path: left) }
        }
    }

    /// The file that the new key could not take the place of; nil: it is there.
    private func renewed(now: Milliseconds) throws(VaultError) -> String? {
        guard case .file(let path) = masterKeySource, MasterKeyFile.canBeRenewed(path: path)
        else { throw .masterKey("only a key in a file that may be replaced can be renewed") }
        let file = try MasterKeyFile(path: path)
        try step(.prepareMasterKey)
        try keyring.rotateMaster(to: try prepare(file, now: now), now: now)
        // From here on the keyring is under the new key, whatever goes wrong.
        do throws(VaultError) {
            // Its copy may be under the old one, which must stay until that is not so any more.
            try settleCopy()
        } catch {
            return path
        }
        do throws(VaultError) {
            return try finishRenewal() ? nil : path
        } catch {
            guard case .masterKey = error else { throw error }
            return path
        }
    }

    /// Where the master key lies now, if that is a file.
    package var masterKeyPath: String? {
        if case .file(let path) = masterKeySource { path } else { nil }
    }

    /// The file to renew with a destruction; nil: it is not to be, or cannot be.
    func renewableFile() throws(VaultError) -> MasterKeyFile? {
        guard case .file(let path) = masterKeySource, isToBeRenewed(path),
            MasterKeyFile.canBeRenewed(path: path)
        else { return nil }
        return try MasterKeyFile(path: path)
    }

    /// The key that a destruction writes the keyring under; nil: the one that it is under. While an
    /// earlier renewal is left there is no new one: copies of the keyring that still hold the
    /// destroyed keys would be under it.
    func nextMasterKey(now: Milliseconds) throws(VaultError) -> LockedMemory? {
        guard !isRenewalLeft, let file = try renewableFile() else { return nil }
        return try prepare(file, now: now)
    }

    /// A next key under which no keyring was ever written.
    private func prepare(
        _ file: MasterKeyFile, now: Milliseconds
    ) throws(VaultError) -> LockedMemory {
        if let next = try file.readNext(), !keyring.isSealed(under: next) {
            // A write under it that failed may be on disk all the same. When another one under the
            // key in the file has taken its place nothing needs that next key any more.
            try keyring.change(now: now) { _ in }
            try file.tidy()
        }
        return try file.prepare()
    }

    private func isToBeRenewed(_ path: String) -> Bool {
        if let isWanted = configuration.renewsMasterKey { return isWanted }
        return configuration.escrowDirectory == nil
            && MasterKeyFile.lies(path: path, in: keyringPath)
    }

    /// The keyring is under the next master key, which has not taken its place yet. Looks for a file.
    var isRenewalLeft: Bool {
        guard case .file(let path) = masterKeySource, let file = try? MasterKeyFile(path: path),
            let next = try? file.readNext()
        else { return false }
        return keyring.isSealed(under: next)
    }

    /// Before the master key is replaced: the next key of an earlier renewal takes its place, or it
    /// would be given for a new one, or be left in a file that nobody is told of. The escrow has
    /// followed.
    /// - Throws: `.halfway`: it cannot. `.vault`.
    func endLeftRenewal() throws(MasterKeyError) {
        guard let path = masterKeyPath, isRenewalLeft else { return }
        let hasEnded: Bool
        do throws(VaultError) {
            hasEnded = try finishRenewal()
        } catch {
            throw .vault(error)
        }
        guard hasEnded else { throw .halfway(path: path) }
    }

    /// At a start: ends what a process left because the escrow was behind, or because it died before
    /// that was known. If it is behind still, `settleEscrow` ends it later.
    func finishLeftRenewal() {
        guard keyring.escrow != nil, isRenewalLeft else { return }
        do throws(VaultError) {
            try settleCopy()
            try finishRenewal()
        } catch {
            // Both keys are kept, and the escrow's status says why.
            return
        }
    }

    /// Puts the next master key in its place if the keyring is under it. An escrow must have followed:
    /// its copy may be under the key that goes. True if the key in the
    /// file is one that was made by a renewal and is in its place; false if the next one could not
    /// take the place: both files stay, and the next start finds the key in either.
    @discardableResult
    func finishRenewal() throws(VaultError) -> Bool {
        guard case .file(let path) = masterKeySource, MasterKeyFile.isWritable(path: path) else {
            return false
        }
        let file = try MasterKeyFile(path: path)
        guard let next = try file.readNext() else {
            // It may have been finished by the start after a crash.
            return try renewableFile() != nil
        }
        guard keyring.isSealed(under: next) else { return false }
        do throws(VaultError) {
            try file.finish(before: configuration.beforeErasureStep)
        } catch {
            guard case .masterKey = error else { throw error }
            return false
        }
        return true
    }
}
