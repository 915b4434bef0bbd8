import Audit
package import Store
package import Vault

/// The sequences that are on record for a person.
package struct SubjectLinks: Sendable {
    /// Keyed hash.
    package var person: String
    package var at: Milliseconds
    /// By stream, then by age.
    package var items: [Item]

    package struct Item: Sendable {
        package var stream: String
        package var link: SubjectLink
    }
}

extension SubjectService {
    /// One audit entry, durable before this returns, whether anything is known of the person or
    /// not. Cost: a read for each sequence, on a reader thread.
    /// - Parameter streams: nil: all.
    package func links(
        of subject: DataSubject, streams names: [String]? = nil, by requester: Requester
    ) async throws(SubjectError) -> SubjectLinks {
        let streams = try catalog().streams(named: names)
        let links = try await foundLinks(of: subject, in: streams, for: requester)
        let person = personHash(subject)
        var entry = AuditEntry(
            act: .subjectLinksShown, client: requester.client, role: requester.role,
            keyLinks: links.count, detail: ["person": person])
        if streams.count == 1, let only = streams.first { entry.stream = only.name }
        try await record(entry)
        return SubjectLinks(person: person, at: clock(), items: items(links, streams))
    }

    func items(
        _ links: [SubjectLink], _ streams: [StreamDefinition]
    ) -> [SubjectLinks.Item] {
        let named = Dictionary(uniqueKeysWithValues: streams.map { ($0.id, $0.name) })
        return links.map { .init(stream: named[$0.stream] ?? "", link: $0) }
    }

    /// Data keys of one person about which a question is answered: some 30 MB of them.
    package static let linksMax = 100_000

    /// Not on record: whoever calls puts it there before anything leaves. On record is that it was
    /// too much to answer, for that tells something too.
    func foundLinks(
        of subject: DataSubject, in streams: [StreamDefinition], for requester: Requester
    ) async throws(SubjectError) -> [SubjectLink] {
        try await foundLinks(of: subject, inStreams: streams.map(\.id), for: requester)
    }

    func foundLinks(
        of subject: DataSubject, inStreams ids: [StreamID], for requester: Requester
    ) async throws(SubjectError) -> [SubjectLink] {
        let (vault, linksMax) = (vault, linksMax)
        let links = try await onReaderThread { () throws -> [SubjectLink]? in
            try subject.bytes.withUnsafeBytes { bytes in
                try vault.hasLinks(ofSubject: bytes, streams: ids, moreThan: linksMax)
                    ? nil : vault.links(ofSubject: bytes, streams: ids)
            }
        }
        guard let links else { throw try await tooManyLinks(of: subject, for: requester) }
        return links.sorted {
            ($0.stream, $0.created ?? 0, $0.link) < ($1.stream, $1.created ?? 0, $1.link)
        }
    }

    /// On record when this returns.
    func tooManyLinks(
        of subject: DataSubject, for requester: Requester
    ) async throws(SubjectError) -> SubjectError {
        try await record(
            AuditEntry(
                act: .auditAsked, client: requester.client, role: requester.role,
                detail: ["question": "too many links", "person": personHash(subject)]))
        return .badRequest(
            parameter: "/streams",
            expected: "streams that have at most \(linksMax) sequences of this person on record; "
                + "these have more")
    }
}
