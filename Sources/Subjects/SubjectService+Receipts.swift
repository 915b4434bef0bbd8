import Audit
import AuditProof
import Crypto
import Logging
import Store
import Vault

extension SubjectService {
    /// If it is destroyed and has none. One at a time, so that none is issued twice. If that fails
    /// it is logged and tried again in the next round; it does not keep others from theirs.
    func issueReceipt(ofErasure id: String) async throws(SubjectError) {
        try await issuing.run { () throws(SubjectError) in
            guard let erasure = self.vault.erasure(id: id), erasure.state == .destroyed,
                try !self.isIssued(id)
            else { return }
            do throws(SubjectError) {
                try await self.issueReceipt(of: erasure)
            } catch {
                if case .cancelled = error { throw error }
                self.logger.error(
                    "a receipt cannot be written",
                    metadata: ["erasure": "\(erasure.id)", "error": "\(error.description)"])
            }
        }
    }

    /// Ids of the erasures whose receipts were issued, as the files say. Blocks.
    /// - Parameter directory: of the erasure ledger.
    package static func issuedReceipts(below directory: String) -> Set<String> {
        do {
            return Set(try ReceiptStore(below: directory).all())
        } catch {
            // Then none is known to be there, and what is needed for them is kept. The next round
            // that writes receipts tells why.
            return []
        }
    }

    func isIssued(_ id: String) throws(SubjectError) -> Bool {
        do {
            return try receipts.has(id)
        } catch {
            throw .store(error)
        }
    }

    /// Its hash is in the audit log before anybody gets it. If the process dies between the two,
    /// the next one issues it again, with its own entry.
    private func issueReceipt(of erasure: Erasure) async throws(SubjectError) {
        let receipt = try await makeReceipt(of: erasure)
        let document: [UInt8]
        do {
            let signer = try signer()
            document = try SignedDocument.bytes(
                of: receipt.json(key: signer.key), named: "receipt", signedBy: signer)
        } catch {
            throw .unavailable(retryAfterSeconds: 60)
        }
        try await record(
            AuditEntry(
                act: .erasureReceiptIssued,
                detail: [
                    "erasure": erasure.id, "sha256": HexText.text(SHA256.hash(data: document)),
                ]))
        let receipts = receipts
        try await onReaderThread { try receipts.write(document, of: erasure.id) }
    }

    private func makeReceipt(of erasure: Erasure) async throws(SubjectError) -> ErasureReceipt {
        let catalog = catalog()
        let names = Dictionary(uniqueKeysWithValues: catalog.streams.map { ($0.id, $0.name) })
        var receipt = ErasureReceipt(erasure: erasure, streamNames: names, issuedAt: clock())
        let links = erasure.knownLinks
        // Some may be missing in a ledger of old, which forgot them with their epochs: the receipt
        // says so, and who had what the others sealed.
        if !links.isEmpty {
            do {
                receipt.recipients = try await audit.recipients(
                    of: links, from: firstKey(of: erasure))
            } catch {
                throw .store(error)
            }
        }
        let counter = ErasedEvents(store: store)
        let streams = Set(erasure.epochs.map(\.stream) + erasure.gone.map(\.stream))
        receipt.events = try await counter.count(
            KeyLinkSet(Array(links)), in: catalog.streams.filter { streams.contains($0.id) },
            from: firstKey(of: erasure) ?? 0, now: clock())
        receipt.entries = try await entries(of: erasure)
        let audit = audit
        receipt.checkpoint = try await onReaderThread { try audit.checkpoint() }
        return receipt
    }

    /// Before it there is no event of the person; nil: that is not known.
    func firstKey(of erasure: Erasure) -> Milliseconds? {
        guard erasure.gone.allSatisfy({ $0.since != nil }) else { return nil }
        let times = erasure.epochs.map(\.day.start) + erasure.gone.compactMap(\.since)
        return times.min().map { $0 - Self.tolerance }
    }

    /// Numbers of the audit entries that speak of the erasure.
    private func entries(of erasure: Erasure) async throws(SubjectError) -> [ErasureReceipt.Entry] {
        var entries: [ErasureReceipt.Entry] = []
        let mark = "\"erasure\":\"\(erasure.id)\""
        for act in [Act.erasureRequested, .erasureCompleted] {
            var filter = AuditFilter(act: act)
            filter.from = erasure.requestedAt - 60_000
            var next: UInt64 = 0
            while true {
                let (audit, from, wanted) = (audit, next, filter)
                let page = try await onReaderThread {
                    try audit.entries(matching: wanted, from: from, limit: 1_000)
                }
                entries += page.lines.filter { $0.line.contains(mark) }.map {
                    ErasureReceipt.Entry(
                        act: act.rawValue, number: $0.sequence,
                        at: LeafHeader(Array($0.line.utf8))?.milliseconds)
                }
                if page.isComplete { break }
                next = page.next
            }
        }
        return entries
    }
}
