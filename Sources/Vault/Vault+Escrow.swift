import Synchronization

/// The copy of the keyring elsewhere, for installations that chose to have one.
extension Vault {
    /// 16 bytes, random, the same in all generations: whose data this is.
    package var keyringID: [UInt8] { keyring.id }

    /// nil: there is no escrow.
    package var escrowStatus: EscrowStatus? { keyring.escrow?.status }

    /// Returns when the escrow holds the current generation and nothing older; at once if there is
    /// no escrow. Whatever destroys keys is complete only then. Blocks, for ten seconds at most.
    /// - Throws: `.keyring`: it is behind, and says so in its status until a later call succeeds. Its
    ///   device may hang: the writing goes on when it answers again.
    package func settleEscrow() throws(VaultError) {
        try settleCopy()
        guard keyring.escrow != nil else { return }
        // Whoever renews the key now ends that too.
        _ = try batches.lock.withLockIfAvailable { _ throws(VaultError) in
            // Again, under the lock: another renewal may have left it behind meanwhile.
            guard escrowStatus?.isBehind == false, isRenewalLeft else { return }
            try finishRenewal()
        }
    }

    /// The same for who holds the lock of destructions, and ends a renewal by itself.
    func settleCopy() throws(VaultError) {
        try keyring.escrow?.settle()
    }

    /// There is something for `settleEscrow` to do. Looks for a file.
    package var mustSettleEscrow: Bool {
        guard let status = escrowStatus else { return false }
        return status.isBehind || isRenewalLeft
    }

    /// Asks whether the escrow follows: before the master key is replaced, and before that is put on
    /// record; the change asks again. Blocks like `settleEscrow`.
    /// - Throws: `.escrowBehind`.
    package func checkEscrow() throws(MasterKeyError) {
        do throws(VaultError) {
            try settleCopy()
        } catch {
            throw .escrowBehind(error.description)
        }
    }

    /// Makes the directory of an escrow (0700) if it is missing, and marks it. Only `strm init` does:
    /// later, a directory that is missing or has neither a keyring nor the mark is a device that is
    /// not mounted.
    package static func prepareEscrow(directory: String) throws(VaultError) {
        try KeyringEscrow.prepare(path: directory)
    }

    /// True if the directory holds the same keyring as the escrow, byte for byte. Blocks.
    /// - Throws: `.keyring` if one of them holds none.
    package static func isKeyring(
        in directory: String, thatOfEscrow escrow: String
    ) throws(VaultError) -> Bool {
        try KeyringDirectory(path: directory).read() == KeyringDirectory(path: escrow).read()
    }

    /// Puts the keyring of an escrow into a keyring directory, made (0700) if it is missing, that has
    /// none, or has that one already: so it can be done again. Durable on return. Blocks.
    /// - Returns: the generation.
    /// - Throws: `.keyring` if there is another one already, or none in the escrow.
    package static func bringBackKeyring(
        fromEscrow escrow: String, to directory: String
    ) throws(VaultError) -> UInt64 {
        let bytes = try KeyringDirectory(path: escrow).read()
        let generation = try KeyringFile.label(of: bytes).generation
        try KeyringDirectory.create(path: directory)
        let target = try KeyringDirectory(path: directory)
        guard target.hasKeyring else {
            try target.replace(with: bytes)
            return generation
        }
        guard try target.read() == bytes else {
            throw .keyring("there is another one already: the one in escrow does not replace it")
        }
        return generation
    }
}
