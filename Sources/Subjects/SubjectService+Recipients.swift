package import Audit
package import Store
package import Vault

/// Which recipients of a person's data are asked for.
package struct RecipientsQuestion: Sendable {
    /// Names; nil: all streams.
    package var streams: [String]?
    package var from: Milliseconds?
    package var to: Milliseconds?
    package var filter = AuditFilter()
    /// A field's path.
    package var field: String?

    package init() {}
}

/// Who received a person's data.
package struct SubjectRecipients: Sendable {
    package var streams: [StreamDefinition]
    /// Sequences that are known to be the person's.
    package var keyLinks: Int
    /// Of the person, in these streams: what was handed out before them stands in their receipts,
    /// also when their sequences are known to nobody any more.
    package var erasures: [Erasure]
    package var answer: AuditRecipients
}

extension SubjectService {
    /// Before the first key of a person there is no event of the person; clocks that were set back
    /// in between included.
    static let tolerance: Milliseconds = 86_400_000

    /// One audit entry, with the person's keyed hash, durable before the log is looked at, so that
    /// what was looked at does not end with it. Bounds: as `links`, and all entries of the log
    /// between the two times.
    package func recipients(
        of subject: DataSubject, _ question: RecipientsQuestion, by requester: Requester
    ) async throws(SubjectError) -> SubjectRecipients {
        let catalog = catalog()
        let streams = try catalog.streams(named: question.streams)
        // Of all streams: also of those that were deleted since.
        let ids = streams.map(\.id) + (question.streams == nil ? catalog.formerStreams : [])
        let links = try await foundLinks(of: subject, inStreams: ids, for: requester)
        let erasures = erasures(of: subject, in: question.streams == nil ? nil : streams)
        try await record(
            AuditEntry(
                act: .auditAsked, client: requester.client, role: requester.role,
                detail: ["question": "recipients", "person": personHash(subject)]))
        let all = Set(links.map(\.link)).union(erasures.flatMap(\.knownLinks))
        return SubjectRecipients(
            streams: streams, keyLinks: all.count, erasures: erasures,
            answer: try await recipients(of: all, question, in: streams))
    }

    /// The index by person goes with an erasure; the ledger still knows the sequences.
    /// - Parameter streams: nil: of all.
    func erasures(of subject: DataSubject, in streams: [StreamDefinition]?) -> [Erasure] {
        let person = subject.bytes.withUnsafeBytes { vault.personHash($0) }
        return vault.erasures.filter { erasure in
            erasure.person == person
                && (streams?.contains { erasure.streams.contains($0.id) } ?? true)
        }
    }

    /// Not on record: whoever calls puts it there.
    func recipients(
        of links: Set<KeyLink>, _ question: RecipientsQuestion, in streams: [StreamDefinition]
    ) async throws(SubjectError) -> AuditRecipients {
        do {
            var answer = try await audit.recipients(
                of: links, from: question.from, to: question.to, matching: question.filter,
                ofField: question.field)
            if question.streams != nil {
                // An erasure may have been of more streams than are asked for.
                let names = Set(streams.map(\.name))
                answer.recipients.removeAll { !names.contains($0.stream) }
            }
            return answer
        } catch {
            throw .store(error)
        }
    }
}
