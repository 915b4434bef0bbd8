import Audit
import Contracts
import Query
import Store
import Vault

extension SubjectService {
    /// The next part of what is held about a person, every field opened whose key is there, only
    /// events that are about this person. One audit entry, durable before this returns, also if
    /// there is nothing.
    ///
    /// Bounds: 1,000 events, 8 MiB or one event, 2,000,000 events looked at; the cursor goes on.
    /// Cost: a scan of the person's streams from the first key on, 7,000,000 events a second.
    package func access(
        to subject: DataSubject, _ question: AccessQuestion, by requester: Requester
    ) async throws(SubjectError) -> AccessPage {
        guard (1...Query.AccessRequest.limitMax).contains(question.limit) else {
            throw .badRequest(
                parameter: "/limit",
                expected: "a whole number from 1 to \(Query.AccessRequest.limitMax)")
        }
        var start: Query.AccessPlace?
        if let text = question.cursor {
            guard let place = AccessPlaceText.place(text) else {
                throw .badRequest(parameter: "/cursor", expected: "a cursor of an earlier answer")
            }
            start = place
        }
        let catalog = catalog()
        let streams = try catalog.streams(named: question.streams)
        let links = try await foundLinks(of: subject, in: streams, for: requester)
        let person = personHash(subject)
        // Before this question is on record itself; told after it is.
        let erasures = erasures(of: subject, in: question.streams == nil ? nil : streams)
        let asked = question.streams == nil ? nil : Set(streams.map(\.id))
        // Those that only the ledger knows any more cost as much as those that are on record.
        let count = erasures.reduce(links.count) { $0 + $1.knownLinkCount(in: asked) }
        guard count <= linksMax else { throw try await tooManyLinks(of: subject, for: requester) }
        let former =
            question.cursor == nil && question.streams == nil
            ? try await foundLinks(of: subject, inStreams: catalog.formerStreams, for: requester)
            : []
        let recipients =
            question.cursor == nil
            ? try await recipients(of: links + former, erasures, question.streams, streams) : nil
        let found: Query.AccessPage
        do {
            found = try await query.access(
                Query.AccessRequest(
                    subject: subject.bytes, person: person, client: requester.client,
                    role: requester.role, sources: sources(streams, links, erasures),
                    start: start, limit: question.limit, from: question.from, to: question.to))
        } catch {
            throw SubjectError(error)
        }
        var page = page(found, streams, person)
        if let recipients {
            page.head = AccessPage.Head(
                links: items(links, streams), purposes: catalog.purposes, streams: streams,
                recipients: recipients, erasures: erasures)
        }
        return page
    }

    /// Who had what, officers who asked before included.
    private func recipients(
        of links: [SubjectLink], _ erasures: [Erasure], _ names: [String]?,
        _ streams: [StreamDefinition]
    ) async throws(SubjectError) -> AuditRecipients {
        let erased =
            names == nil
            ? erasures.flatMap(\.knownLinks)
            : streams.flatMap { stream in erasures.flatMap { $0.knownLinks(in: stream.id) } }
        var question = RecipientsQuestion()
        question.streams = names
        if erased.isEmpty && links.allSatisfy({ $0.created != nil }) {
            // The log before the first key need not be looked at.
            question.from = links.compactMap(\.created).min().map { $0 - Self.tolerance }
        }
        return try await recipients(of: Set(links.map(\.link) + erased), question, in: streams)
    }

    /// Streams in which nothing is on record for the person are not scanned. The index by person
    /// goes with an erasure, and the events stay: those whose data-subject field is in clear are
    /// given.
    private func sources(
        _ streams: [StreamDefinition], _ links: [SubjectLink], _ erasures: [Erasure]
    ) -> [Query.AccessSource] {
        streams.compactMap { stream in
            let own = links.filter { $0.stream == stream.id }
            let erased = erasures.filter { $0.knownLinkCount(in: [stream.id]) > 0 }
            // If it is not known when a key was made, events are looked for from the beginning.
            let times: [Milliseconds] =
                own.map { link in link.created.map { $0 - Self.tolerance } ?? .min }
                + erased.map { firstKey(of: $0) ?? .min }
            guard let first = times.min() else { return nil }
            return Query.AccessSource(
                stream: stream,
                links: KeyLinkSet(
                    own.map(\.link) + erased.flatMap { $0.knownLinks(in: stream.id) }),
                from: first)
        }
    }

    private func page(
        _ found: Query.AccessPage, _ streams: [StreamDefinition], _ person: String
    ) -> AccessPage {
        var page = AccessPage(person: person, at: clock())
        page.body = found.body
        page.others = found.others
        page.nameless = found.nameless
        page.undecided = found.undecided
        page.cursor = found.next.map(AccessPlaceText.text)
        guard let stream = streams.first(where: { $0.id == found.stream }) else { return page }
        var contracts: [UInt32: Contract] = [:]
        for event in found.events {
            let contract = contracts[event.contract] ?? registry.contract(number: event.contract)
            contracts[event.contract] = contract
            page.events.append(
                AccessPage.Event(
                    stream: stream.name, partition: found.partition,
                    contract: contract?.ref.description ?? "",
                    expiresAt: event.at + stream.retention.milliseconds, event: event))
            note(event, stream.name, in: &page.consents)
        }
        page.contracts = contracts.values.sorted { $0.ref.description < $1.ref.description }
        return page
    }

    private func note(
        _ event: Query.AccessedEvent, _ stream: String, in consents: inout [AccessPage.Consent]
    ) {
        if let last = consents.indices.last, consents[last].levels == event.consent {
            consents[last].to = event.at
            consents[last].events += 1
        } else {
            consents.append(
                AccessPage.Consent(
                    stream: stream, levels: event.consent, from: event.at, to: event.at, events: 1))
        }
    }
}
