package import Audit
package import AuditProof
package import Contracts
package import Logging
package import Query
package import Store
package import Vault

/// Answers for a data protection officer about one person: which sequences are on record, what is
/// held, who has had it; and erases it.
///
/// Every question is on record before it is answered, with the keyed hash of the person, so that
/// nobody finds out unseen whether somebody is known here. Any number of questions at once.
package final class SubjectService: Sendable {
    /// The name under which the audit log's key signs receipts.
    package static let receiptKeyName = "streammachine.dev/receipts"

    let store: Store
    let vault: Vault
    let audit: AuditLog
    let query: Query
    let registry: ContractRegistry
    let clock: @Sendable () -> Milliseconds
    let catalog: @Sendable () -> SubjectCatalog
    let signer: @Sendable () throws(NoteError) -> NoteSigner
    let batchMinutes: Milliseconds
    let linksMax: Int
    let receipts: ReceiptStore
    let logger: Logger
    /// One request of an erasure at a time, so that two for the same person see each other; and
    /// one destruction, whose waiting callers hold no thread.
    let requests = Turn()
    let batches = Turn()
    /// One receipt at a time.
    let issuing = Turn()

    /// - Parameters:
    ///   - directory: of the erasure ledger; receipts lie below it.
    ///   - batchMinutes: how long the destruction of erased keys may wait for others.
    ///   - linksMax: data keys of one person about which a question is answered.
    ///   - signer: of receipts, as it is now.
    ///   - catalog: the streams and purposes as they are now.
    package init(
        store: Store, vault: Vault, audit: AuditLog, query: Query, registry: ContractRegistry,
        directory: String, batchMinutes: Int, linksMax: Int = SubjectService.linksMax,
        logger: Logger,
        clock: @escaping @Sendable () -> Milliseconds,
        signer: @escaping @Sendable () throws(NoteError) -> NoteSigner,
        catalog: @escaping @Sendable () -> SubjectCatalog
    ) {
        self.store = store
        self.vault = vault
        self.audit = audit
        self.query = query
        self.registry = registry
        self.clock = clock
        self.catalog = catalog
        self.signer = signer
        self.batchMinutes = Milliseconds(batchMinutes)
        self.linksMax = linksMax
        self.logger = logger
        receipts = ReceiptStore(below: directory)
    }

    /// The keyed hash by which the audit log, the ledger and receipts name a person: 64 hexadecimal
    /// digits, the same in all streams of this installation and in no other.
    package func personHash(_ subject: DataSubject) -> String {
        subject.bytes.withUnsafeBytes { vault.personHash($0) }.hexadecimal
    }

    /// Puts an act on record before anything is told.
    func record(_ entry: AuditEntry) async throws(SubjectError) {
        do {
            try await audit.append(entry)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
    }

    /// Runs what blocks on a thread of the store's.
    func onReaderThread<R: Sendable>(
        _ body: @escaping @Sendable () throws -> R
    ) async throws(SubjectError) -> R {
        do {
            return try await store.readers.run(body)
        } catch {
            logReason(of: error)
            throw .of(error)
        }
    }

    /// The error that is thrown says no more than that the keys cannot be reached; why is for the
    /// operator. It holds the store's reasons. A description names no person and no secret.
    private func logReason(of error: any Error) {
        guard let error = error as? VaultError else { return }
        if case .store = error { return }
        logger.error("the keys cannot be reached", metadata: ["error": "\(error.description)"])
    }
}
