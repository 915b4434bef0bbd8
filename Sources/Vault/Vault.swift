package import Store
import Synchronization

/// Lends data keys: makes them, keeps them wrapped in the store, and destroys what wraps them when
/// their time is over.
///
/// Safe to use from any thread. Methods that may touch the disk say that they block.
package final class Vault: Sendable {
    let keyring: Keyring
    let cache: KeyCache
    let hashes: HashPool
    let tagger = SequenceTagger()
    let pending = PendingKeys()
    let clock: VaultClock
    let configuration: VaultConfiguration
    /// One maker of keys at a time for the sequences of a stripe.
    let stripes: [Stripe]
    /// One maker of keys for single use at a time.
    let singleUse = Stripe()
    /// Who was erased.
    let ledger: ErasureLedger
    /// The directory of the ledger.
    let erasuresDirectory: String
    let keyringPath: String
    /// Held by whoever changes the ledger, and by whoever puts records back that an erasure may
    /// have to delete.
    let acts = Stripe()
    /// The number of the ledger through which erased keys were taken out of memory. Changed with
    /// `acts` held.
    let purgedThrough = Atomic<UInt64>(0)
    /// Not 0 while erased keys may be in memory: who seals asks the ledger then, and only then.
    let purges = Atomic<Int>(0)
    /// One destruction at a time.
    let batches = Stripe()
    let interruption = Mutex<VaultError?>(nil)
    let keysMade = Atomic<UInt64>(0)
    /// Generation of the keyring of the last mark that was given to the store; see `EpochMark`.
    let markedGeneration = Atomic<UInt64>(0)
    let markLock = Stripe()
    private let store = Mutex<(any KeyStore)?>(nil)
    private let custody: Mutex<MasterKeySource>

    final class Stripe: Sendable {
        let lock = Mutex<Void>(())
    }

    /// A power of two.
    static let stripeCount = 256

    /// Makes the keyring and its secrets in a directory that has none (`strm init`). The directory
    /// and that of the erasure ledger (0700) and, if the source is a file, the master key's file
    /// (0600) are made if missing. Durable on return. Blocks.
    package static func initialise(
        keyringDirectory: String, masterKey: MasterKeySource, now: Milliseconds,
        configuration: VaultConfiguration = VaultConfiguration()
    ) throws(VaultError) {
        try KeyringDirectory.create(path: keyringDirectory)
        let directory = try KeyringDirectory(path: keyringDirectory)
        guard !directory.hasKeyring else { throw .keyring("there is one already") }
        if let path = configuration.erasuresDirectory { try ErasureLedger.makeDirectory(path) }
        if case .file(let path) = masterKey, MasterKey.isMissing(path: path) {
            try MasterKey.create(path: path)
        }
        let key = try MasterKey.read(
            masterKey, commandSeconds: configuration.masterKeyCommandSeconds)
        try Keyring.initialise(directory: directory, masterKey: key, now: now)
    }

    /// Opens the keyring and holds it against other processes. Needs no store. Blocks.
    /// - Throws: `.masterKeyAbsent` if the key cannot be had, `.masterKey` if it is another one,
    ///   `.keyring` if the file is missing, damaged or in use. Nothing was changed.
    package static func unlock(
        keyringDirectory: String, masterKey: MasterKeySource, clock: VaultClock = .system,
        configuration: VaultConfiguration = VaultConfiguration()
    ) throws(VaultError) -> Vault {
        try Vault(
            directory: try KeyringDirectory(path: keyringDirectory), masterKey: masterKey,
            clock: clock, configuration: configuration)
    }

    init(
        directory: KeyringDirectory, masterKey: MasterKeySource, clock: VaultClock,
        configuration: VaultConfiguration
    ) throws(VaultError) {
        let key = try MasterKeyFile.read(
            masterKey, of: directory, commandSeconds: configuration.masterKeyCommandSeconds,
            isReadOnly: configuration.isReadOnly,
            hasEscrow: configuration.escrowDirectory != nil)
        keyring = try Keyring(directory: directory, masterKey: key, clock: clock)
        guard let root = keyring.secret(.index) else {
            throw .keyring("it has no index key")
        }
        if let path = configuration.escrowDirectory {
            try keyring.attach(try KeyringEscrow(path: path, id: keyring.id, wall: clock.wall))
        }
        cache = try KeyCache(capacity: configuration.cachedKeysMax)
        hashes = HashPool(root: root.memory)
        stripes = (0..<Self.stripeCount).map { _ in Stripe() }
        custody = Mutex(masterKey)
        keyringPath = directory.path
        erasuresDirectory = configuration.erasuresDirectory ?? directory.path
        ledger = try ErasureLedger(
            directory: erasuresDirectory, indexRoot: root.memory, keyringID: keyring.id,
            knownNumber: configuration.acceptsOlderLedger ? 0 : keyring.contents.ledgerNumber,
            isReadOnly: configuration.isReadOnly)
        self.clock = clock
        self.configuration = configuration
        if !configuration.isReadOnly { finishLeftRenewal() }
    }

    /// Gives the vault the store for its keys. Before the first key is used.
    package func attach(store: any KeyStore) {
        self.store.withLock { $0 = store }
    }

    func attachedStore() throws(VaultError) -> any KeyStore {
        guard let store = store.withLock({ $0 }) else { throw .sealedVault }
        return store
    }

    /// A secret of the installation: 32 random bytes, the same at every start. The copy is the
    /// caller's to guard. Traps if `tokenSigning` is given a number that is not there.
    package func secret(_ name: SecretName) -> [UInt8] {
        guard let secret = keyring.secret(name) else {
            preconditionFailure("no such secret in the keyring")
        }
        return secret.memory.withBytes { Array($0) }
    }

    /// Numbers of the token signing keys, ascending; the last one signs, all verify.
    package var tokenSigningNumbers: [UInt32] {
        keyring.contents.tokenSigningNumbers
    }

    /// Makes a new token signing key and gives its number. Durable on return. Blocks.
    package func rotateTokenSigning(now: Milliseconds) throws(VaultError) -> UInt32 {
        try keyring.change(now: now) { contents throws(VaultError) in
            let number = (contents.tokenSigningNumbers.last ?? 0) + 1
            try contents.makeSecret(.tokenSigning(number), now: now)
            return number
        }
    }

    /// Destroys a token signing key: what it signed is not valid any more. The newest stays.
    /// Blocks.
    package func retireTokenSigning(_ number: UInt32, now: Milliseconds) throws(VaultError) {
        try keyring.change(now: now) { contents throws(VaultError) in
            guard number != contents.tokenSigningNumbers.last else {
                throw .keyring("the newest token signing key cannot be retired")
            }
            contents.secrets[.tokenSigning(number)] = nil
        }
    }

    /// Seals the keyring under another master key, which must exist, or, with `makingFile`, is made
    /// if it is a file that is missing. No data is touched. Blocks.
    /// The old key must be kept until the escrow has followed: `escrowStatus` tells.
    /// - Throws: `.badPlace` and `.unchanged`, see `checkMasterKeyPlace`; `.escrowBehind`; `.halfway`
    ///   if a renewal before cannot be ended; `.vault`.
    package func rotateMasterKey(
        to source: MasterKeySource, makingFile: Bool = false, now: Milliseconds
    ) throws(MasterKeyError) {
        // Not while an erasure renews the key in its file: a key that was read before that would be
        // one that is not there any more.
        try batches.lock.withLock { _ throws(MasterKeyError) in
            try checkMasterKeyPlace(source)
            try checkEscrow()
            try endLeftRenewal()
            do throws(VaultError) {
                try takeMasterKey(source, makingFile, now)
            } catch {
                throw .vault(error)
            }
        }
    }

    private func takeMasterKey(
        _ source: MasterKeySource, _ makesFile: Bool, _ now: Milliseconds
    ) throws(VaultError) {
        if makesFile, case .file(let path) = source, MasterKey.isMissing(path: path) {
            try MasterKey.create(path: path)
        }
        let key = try MasterKey.read(
            source, commandSeconds: configuration.masterKeyCommandSeconds)
        try keyring.rotateMaster(to: key, now: now)
        custody.withLock { $0 = source }
        do throws(VaultError) {
            try settleCopy()
        } catch {
            // It followed a moment ago; its status says that it does not any more.
            return
        }
    }

    /// Where the master key comes from now.
    var masterKeySource: MasterKeySource { custody.withLock { $0 } }

    package var statistics: VaultStatistics {
        var statistics = VaultStatistics()
        cache.fill(&statistics)
        let contents = keyring.contents
        statistics.keysMade = keysMade.load(ordering: .relaxed)
        statistics.keysPending = pending.count
        statistics.epoch = contents.newestEpoch
        statistics.epochDay = contents.newestEpoch > 0 ? contents.newestDay : nil
        statistics.epochClasses = contents.epochs.count
        statistics.generation = keyring.generation
        statistics.keyringFailure = keyring.failure?.description
        statistics.ledgerFailure = ledger.failure?.description
        statistics.isDestructionOnHold = keyring.isOnHold
        statistics.awaitsTimeSource = keyring.awaitsTimeSource
        statistics.escrow = escrowStatus
        statistics.tokenSigningNumbers = contents.tokenSigningNumbers
        statistics.masterKeyCustody = custody.withLock { $0.custody }
        let book = ledger.snapshot
        statistics.erasureLedgerNumber = book.number
        statistics.erasuresWaiting = book.waiting.count
        statistics.erasedLinks = book.tombstones.count
        return statistics
    }
}
