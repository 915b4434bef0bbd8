import Audit
package import Store
package import Vault

extension SubjectService {
    /// Erases a person: their keys are unusable when this returns, destroyed for good with the next
    /// batch or, if it is asked for, before this returns. The receipt is there once they are
    /// destroyed. On record in the commit that erases.
    ///
    /// Idempotent: if nothing of the person is left, and an earlier erasure covers what is asked
    /// for, that one is the answer, and no new one begins. What is asked for of one person at the
    /// same time is done one after the other.
    /// - Throws: `.unavailable` and `.store` may leave it begun: ask again.
    package func erase(
        _ subject: DataSubject, _ request: ErasureRequest, by requester: Requester
    ) async throws(SubjectError) -> ErasureAnswer {
        // The time of the request is when it comes in, however long it waits for its turn.
        let requestedAt = clock()
        if let reference = request.reference, !ErasureRequest.isReference(reference) {
            throw .badRequest(
                parameter: "/reference",
                expected: "1 to 64 characters of A-Z a-z 0-9 . _ / : # - that name no person")
        }
        let streams = try catalog().streams(named: request.streams).map(\.id)
        var answer = try await requests.run { () throws(SubjectError) in
            try await self.request(subject, request, streams, requester, at: requestedAt)
        }
        // Also if a start has ended the destruction that another process began: then the receipt
        // may not be written yet.
        if request.isNow {
            var isDone = answer.erasure.state == .destroyed
            if isDone { isDone = try isIssued(answer.erasure.id) }
            if !isDone { try await destroyErased(including: answer.erasure.id) }
        }
        answer.erasure = vault.erasure(id: answer.erasure.id) ?? answer.erasure
        return answer
    }

    private func request(
        _ subject: DataSubject, _ request: ErasureRequest, _ streams: [StreamID],
        _ requester: Requester, at now: Milliseconds
    ) async throws(SubjectError) -> ErasureAnswer {
        let vault = vault
        let answer = try await onReaderThread { () -> ErasureAnswer in
            try subject.bytes.withUnsafeBytes { bytes in
                if let earlier = try Self.earlier(bytes, request, streams, vault) {
                    return ErasureAnswer(erasure: earlier, isRepeated: true)
                }
                let erasure = try vault.requestErasure(
                    of: bytes, streams: streams, id: Vault.newErasureID(),
                    by: (requester.client, requester.role), reference: request.reference,
                    fence: request.fence, now: now)
                return ErasureAnswer(erasure: erasure, isRepeated: false)
            }
        }
        if answer.isRepeated {
            // A new one is on record with its commit, and its reference is in the ledger too.
            var detail = ["erasure": answer.erasure.id, "person": personHash(subject)]
            detail["reference"] = request.reference
            try await record(
                AuditEntry(
                    act: .erasureRepeated, client: requester.client, role: requester.role,
                    detail: detail))
        }
        return answer
    }

    /// The last erasure of the person in all these streams, if there is nothing to add to it.
    private static func earlier(
        _ subject: UnsafeRawBufferPointer, _ request: ErasureRequest, _ streams: [StreamID],
        _ vault: Vault
    ) throws(VaultError) -> Erasure? {
        // One that failed half way is on the ledger, and perhaps not in the store.
        try vault.finishRequests()
        let person = vault.personHash(subject)
        let covers = vault.erasures.last {
            $0.person == person && Set($0.streams).isSuperset(of: streams)
        }
        guard let covers else { return nil }
        if request.fence {
            guard vault.fencedStreams(of: subject, streams: streams).count == streams.count else {
                return nil
            }
        }
        // What is on record still was made, or erased with another person's, after that one.
        return try vault.hasLinks(ofSubject: subject, streams: streams, moreThan: 0) ? nil : covers
    }

    /// Events of the person are taken again in these streams.
    /// - Returns: the streams where they were refused.
    package func liftFence(
        of subject: DataSubject, streams names: [String]? = nil, by requester: Requester
    ) async throws(SubjectError) -> [String] {
        let catalog = catalog()
        let streams = try catalog.streams(named: names).map(\.id)
        let (vault, now) = (vault, clock())
        let lifted = try await requests.run { () throws(SubjectError) in
            try await self.onReaderThread {
                try subject.bytes.withUnsafeBytes { bytes in
                    try vault.liftFence(
                        of: bytes, streams: streams, by: (requester.client, requester.role),
                        now: now)
                }
            }
        }
        if lifted.isEmpty {
            // Else it is on record with its commit. That there was none tells something too.
            try await record(
                AuditEntry(
                    act: .fenceLifted, client: requester.client, role: requester.role,
                    detail: ["person": personHash(subject), "streams": "0"]))
        }
        return lifted.compactMap { catalog.name(of: $0) }
    }

    /// All erasures, oldest first. Memory only.
    package var erasures: [Erasure] { vault.erasures }

    package func erasure(id: String) throws(SubjectError) -> Erasure {
        guard let erasure = vault.erasure(id: id) else { throw .unknownErasure }
        return erasure
    }

    /// The signed receipt of an erasure, byte for byte as it was issued; nil: its keys are not
    /// destroyed yet, or the receipt is about to be written. Blocks a reader thread.
    package func receipt(of id: String) async throws(SubjectError) -> [UInt8]? {
        _ = try erasure(id: id)
        let receipts = receipts
        return try await onReaderThread { try receipts.read(id) }
    }

    // MARK: Destroying

    /// When the keys of an erasure will be destroyed at the latest.
    package func dueAt(_ erasure: Erasure) -> Milliseconds {
        erasure.requestedAt + batchMinutes * 60_000
    }

    /// Receipts of one round.
    private static let receiptsMax = 100

    /// One round: destroys what has waited long enough, and writes receipts that are missing, be it
    /// that the process died before it wrote them; so many at most. Neither waits for the other: a
    /// receipt may take a minute, and a destruction that fails keeps nobody from a receipt.
    /// - Returns: whether some are missing still, so that the next round should not wait.
    /// - Throws: why a destruction failed, when the receipts are written.
    @discardableResult
    package func tick(now: Milliseconds) async throws(SubjectError) -> Bool {
        var failure = await destroyDue(now: now)
        if failure == .cancelled { throw .cancelled }
        var left = Self.receiptsMax
        var hasMore = false
        for erasure in vault.erasures where erasure.state == .destroyed {
            if try isIssued(erasure.id) { continue }
            guard left > 0 else {
                hasMore = true
                break
            }
            // What failed is tried again in the next round, not before each receipt.
            if left < Self.receiptsMax, failure == nil { failure = await destroyDue(now: clock()) }
            left -= 1
            try await issueReceipt(ofErasure: erasure.id)
        }
        if let failure { throw failure }
        return hasMore
    }

    /// Destroys what has waited long enough. Gives why it failed.
    private func destroyDue(now: Milliseconds) async -> SubjectError? {
        // Two minutes before it is due: the next round comes in one, and it takes a while. A clock
        // that was set back makes nobody wait.
        let isDue = vault.erasures.contains { erasure in
            erasure.state == .requested
                && (now >= dueAt(erasure) - 120_000 || now < erasure.requestedAt)
        }
        guard isDue else { return nil }
        do throws(SubjectError) {
            try await destroyErased(including: nil)
            return nil
        } catch {
            return error
        }
    }

    /// - Parameter id: goes on until this one is destroyed: what is asked for during a batch is for
    ///   the next.
    private func destroyErased(including id: String?) async throws(SubjectError) {
        try await batches.run { () throws(SubjectError) in
            for _ in 0..<3 {
                if let id, self.vault.erasure(id: id)?.state == .destroyed { break }
                let (vault, now) = (self.vault, self.clock())
                let batch = try await self.onReaderThread { try vault.destroyErased(now: now) }
                if batch == nil { break }
            }
        }
        // Those of others are for the next round.
        if let id { try await issueReceipt(ofErasure: id) }
    }
}
