import Audit
import HTTP
import Store
import Vault

/// `POST /v1/audit/recipients`: who received a person's data. The person is in the body, never in
/// an address. One audit entry, with the person's keyed hash, durable before the answer.
struct AuditRecipientsRoute: Sendable {
    /// Bytes of the value that names a person.
    static let subjectBytesMax = 256 << 10

    let audit: AuditLog
    let store: Store
    let vault: Vault
    let catalog: Catalog

    var route: Route {
        Route(
            method: .post, template: "/v1/audit/recipients", access: .roles(AuditRoutes.readers),
            work: .longPoll
        ) { try await recipients($0) }
    }

    private func recipients(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object(
            "subject", "streams", "from", "to", "client", "derivedStream", "purpose", "field", "act"
        )
        let caller = try request.principal()
        let subject = Array(try body.requiredText("subject").utf8)
        guard (1...Self.subjectBytesMax).contains(subject.count) else {
            throw Problem.invalid("/subject", expected: "a value of a data-subject field")
        }
        let streams = try streams(body)
        let (from, to) = (try time(body, "from"), try time(body, "to"))
        let filter = try filter(body)
        let field = try body.text("field")
        let person = subject.withUnsafeBytes { vault.personHash($0) }
        let found = try await links(of: subject, in: streams)
        // The index by person went with the erasure; the ledger still knows the sequences.
        let erasures = vault.erasures.filter { erasure in
            erasure.person == person
                && (asksForAll(body) || streams.contains { erasure.streams.contains($0.id) })
        }
        let links = found.union(erasures.flatMap(\.links))
        // Before the question, so that the log looked at does not end with its own entry.
        try await audit.append(
            .by(
                caller, .auditAsked,
                detail: ["question": "recipients", "person": person.hexadecimal]))
        var answer = try await audit.recipients(
            of: links, from: from, to: to, matching: filter, ofField: field)
        if !asksForAll(body) {
            // An erasure may have been of more streams than are asked for.
            let names = Set(streams.map(\.name))
            answer.recipients.removeAll { !names.contains($0.stream) }
        }
        return Answer.json([
            "streams": .texts(streams.map(\.name).sorted()),
            "keyLinks": .integer(Int64(links.count)),
            "erasures": .array(erasures.map(SubjectWire.erasureOfRecipients)),
            "answer": WireValue(answer),
        ])
    }

    private func asksForAll(_ body: BodyObject) -> Bool {
        (try? body.list("streams")).flatMap { $0 } == nil
    }

    private func filter(_ body: BodyObject) throws(Problem) -> AuditFilter {
        var filter = AuditFilter(
            client: try body.text("client"), derivedStream: try body.text("derivedStream"),
            purpose: try body.integer("purpose", in: 0...63))
        if let name = try body.text("act") {
            filter.acts = [
                try AuditQuestionRoutes.act(
                    name, "/act", of: [.release, .keysExported, .subjectAccessed])
            ]
        }
        return filter
    }

    /// Also those whose keys are gone; on a reader thread. Memory: 16 bytes a link.
    private func links(
        of subject: [UInt8], in streams: [StreamDefinition]
    ) async throws -> Set<KeyLink> {
        let (vault, store) = (vault, store)
        return try await store.readers.run {
            var links: Set<KeyLink> = []
            for stream in streams {
                let prefix = subject.withUnsafeBytes { vault.subjectPrefix(of: $0, in: stream.id) }
                try store.scanSubjects(prefix: prefix) { key in
                    if let (_, link) = Vault.subject(ofKey: key) { links.insert(link) }
                    return true
                }
            }
            return links
        }
    }

    private func streams(_ body: BodyObject) throws(Problem) -> [StreamDefinition] {
        let all = catalog.snapshot.streams
        guard let names = try body.list("streams") else { return all.values.map(\.value) }
        var chosen: [String: StreamDefinition] = [:]
        for name in names {
            guard case .string(let name) = name else {
                throw .invalid("/streams", expected: "a list of names")
            }
            guard let stream = all[name]?.value else {
                throw .notFound("There is no stream of a name given in streams.")
            }
            chosen[name] = stream
        }
        return Array(chosen.values)
    }

    private func time(_ body: BodyObject, _ name: String) throws(Problem) -> Milliseconds? {
        guard let text = try body.text(name) else { return nil }
        guard let time = WireTime.parse(text) else {
            throw .invalid("/\(name)", expected: "a time such as 2026-11-23T10:00:00Z")
        }
        return time
    }
}
