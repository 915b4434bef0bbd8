import Audit
import Contracts
import Foundation
import Store
import Synchronization
import Testing
import Vault

@testable import Query
@testable import Subjects

@Suite("What is held about a person")
struct AccessTests {
    static let jane = "jane@example.org"
    static let joe = "joe@example.org"

    @Test("all events of the person are given with every field opened, whatever they consent to")
    func opened() async throws {
        let site = try Site()
        await site.stores(
            Visit(mark: "a", consent: []), Visit(session: "s2", mark: "b", contract: "clear"))
        await site.stores([Visit(mark: "c")], in: 1, partition: 1)
        await site.stores(Visit(person: Self.joe, session: "other", mark: "d"))
        let pages = try await site.accesses(Self.jane)
        #expect(try pages.marks == ["a", "b", "c"])
        for event in try pages.events {
            #expect(event["person"] as? String == Self.jane)
            #expect(event["secret"] as? String == "SMCANARY-secret")
        }
        #expect(pages.flatMap(\.events).map(\.stream) == ["shop", "shop", "app"])
        #expect(pages.flatMap(\.events).allSatisfy { $0.event.sealed == 0 })
    }

    @Test(
        "of a sequence that people share only the person's own events are given",
        arguments: ["sealed", "clear"])
    func shared(contract: String) async throws {
        let site = try Site()
        await site.stores(
            Visit(mark: "a", contract: contract),
            Visit(person: Self.joe, mark: "b", secret: "joes", contract: contract),
            Visit(person: nil, mark: "c", secret: "whose", contract: contract),
            Visit(mark: "d", contract: contract), Visit(person: nil, mark: "e", contract: "nobody"))
        let pages = try await site.accesses(Self.jane)
        #expect(try pages.marks == ["a", "d"])
        #expect(pages.map(\.others).reduce(0, +) == 1)
        #expect(pages.map(\.nameless).reduce(0, +) == 2)
        let text = pages.map { String(decoding: $0.body, as: UTF8.self) }.joined()
        #expect(!text.contains(Self.joe) && !text.contains("joes") && !text.contains("whose"))
    }

    @Test("a person whose value begins like another's, or is escaped in JSON, is told apart")
    func exact() async throws {
        let site = try Site()
        await site.stores(
            Visit(person: #"a\"b"#, mark: "quote"),
            Visit(person: "a", session: "s1", mark: "short"),
            Visit(person: "é", mark: "accent"), Visit(person: #"\u00e9"#, mark: "escaped"))
        #expect(try await site.accesses("a\"b").marks == ["quote"])
        #expect(try await site.accesses("a").marks == ["short"])
        #expect(try await site.accesses("é").marks == ["accent", "escaped"])
        #expect(try await site.accesses("A").marks == [])
    }

    @Test("a document of many parts is the same as one of one part")
    func parts() async throws {
        let site = try Site()
        await site.stores((0..<25).map { Visit(session: "s\($0 % 3)", mark: "\($0)") })
        await site.stores((25..<30).map { Visit(mark: "\($0)") }, in: 1)
        let whole = try await site.accesses(Self.jane)
        let parts = try await site.accesses(Self.jane, limit: 4)
        #expect(parts.count > 7)
        #expect(try parts.marks == whole.marks)
        #expect(try whole.marks == (0..<30).map(String.init))
        #expect(parts.dropFirst().allSatisfy { $0.head == nil })
        #expect(try #require(parts[0].head).links.count == 4)
    }

    @Test("events whose key is gone are given sealed if the person stands there in clear")
    func gone() async throws {
        let files = SiteFiles()
        try await withKeysGone(files)
        let site = try Site(files)
        let pages = try await site.accesses(Self.jane)
        #expect(try pages.marks == ["clear", "new"])
        #expect(pages.flatMap(\.events).map(\.event.sealed) == [1, 0])
        #expect(pages.map(\.undecided).reduce(0, +) == 1)
    }

    @Test("after an erasure events are given, sealed, if the person stands there in clear")
    func erased() async throws {
        let site = try Site()
        await site.stores(
            Visit(mark: "sealed"), Visit(session: "s2", mark: "clear", contract: "clear"),
            Visit(person: Self.joe, session: "s2", mark: "joe", contract: "clear"))
        for now in [false, true] {
            try await site.erases(Self.jane, now: now)
            let pages = try await site.accesses(Self.jane)
            #expect(try pages.marks == ["clear"])
            #expect(pages.flatMap(\.events).map(\.event.sealed) == [1])
            #expect(pages.map(\.undecided).reduce(0, +) == 1)
            let text = pages.map { String(decoding: $0.body, as: UTF8.self) }.joined()
            #expect(!text.contains("SMCANARY") && !text.contains(Self.joe))
            #expect(pages.first?.head?.notCovered.contains { $0.contains("earlier") } == false)
        }
        // Until the keys are forgotten; then the document says so.
        site.clock.advances(by: 10 * Site.day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.clock.now).count == 1)
        let pages = try await site.accesses(Self.jane)
        #expect(pages.flatMap(\.events).isEmpty)
        #expect(pages.first?.head?.notCovered.contains { $0.contains("earlier") } == true)
    }

    private func withKeysGone(_ files: SiteFiles) async throws {
        let site = try Site(files)
        await site.stores(Visit(mark: "sealed"), Visit(mark: "clear", contract: "clear"))
        site.clock.advances(by: Site.day)
        await site.stores(Visit(session: "new", mark: "new"))
        let links = try await site.subjects.links(
            of: try #require(DataSubject(Self.jane)), by: Site.officer)
        #expect(links.items.count == 2)
        try await site.forgetsKey(of: try #require(links.items.first).link.link)
    }

    @Test("consents, contracts, purposes, expiry and streams stand beside the events")
    func surroundings() async throws {
        let site = try Site()
        await site.stores(
            Visit(consent: [1]), Visit(consent: [1]), Visit(consent: [1, 2], contract: "clear"))
        let page = try #require(try await site.accesses(Self.jane).first)
        #expect(page.consents.map(\.levels.levels) == [[1], [1, 2]])
        #expect(page.consents.map(\.events) == [2, 1])
        #expect(page.contracts.map(\.ref.name) == ["clear", "sealed"])
        let head = try #require(page.head)
        #expect(head.purposes.map(\.level) == [1, 2, 3])
        #expect(head.streams.map(\.name) == ["shop", "app"])
        #expect(page.events[0].expiresAt == Site.start + 7 * Site.day)
    }

    @Test("only the window that is asked for is given")
    func window() async throws {
        let site = try Site()
        for mark in 0..<4 {
            await site.stores(Visit(mark: "\(mark)"))
            site.clock.advances(by: 1_000)
        }
        var question = AccessQuestion()
        question.from = Site.start + 1_000
        question.to = Site.start + 3_000
        let page = try await site.subjects.access(
            to: try #require(DataSubject(Self.jane)), question, by: Site.officer)
        #expect(try [page].marks == ["1", "2"])
    }

    @Test("a question is on record before it is answered, with the keyed hash and not the person")
    func record() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe))
        _ = try await site.accesses(Self.jane)
        _ = try await site.accesses("nobody@example.org")
        let entries = try site.entries(.subjectAccessed)
        #expect(entries.count == 2)
        #expect(entries[0]["client"] as? String == "officer")
        #expect(entries[0]["fields"] as? [String] == ["person", "secret"])
        #expect(entries[0]["events"] as? Int == 1)
        #expect(entries[0]["offsets"] as? [Int] == [0, 0])
        #expect(entries[1]["events"] as? Int == 0)
        let hash = site.subjects.personHash(try #require(DataSubject(Self.jane)))
        #expect((entries[0]["detail"] as? [String: Any])?["person"] as? String == hash)
        #expect(hash.count == 64)
        let text = try site.auditText()
        #expect(!text.contains("example.org") && !text.contains("SMCANARY"))
    }

    @Test("if the question cannot be put on record, nothing is told")
    func unrecorded() async throws {
        let site = try Site()
        await site.stores(Visit())
        site.faults.failsWrites = true
        await #expect(throws: SubjectError.auditUnavailable(retryAfterSeconds: 1)) {
            try await site.accesses(Self.jane)
        }
        await #expect(throws: SubjectError.auditUnavailable(retryAfterSeconds: 1)) {
            try await site.subjects.links(
                of: try #require(DataSubject(Self.jane)), by: Site.officer)
        }
    }

    @Test(
        "a cursor that no answer gave is refused",
        arguments: ["", "a1-1-0", "a1-1-0--1", "a1-1-0-+1", "b1-1-0-0", "a1-1-70000-0"])
    func cursors(cursor: String) async throws {
        let site = try Site()
        var question = AccessQuestion()
        question.cursor = cursor
        await #expect(throws: SubjectError.self) {
            try await site.subjects.access(
                to: try #require(DataSubject(Self.jane)), question, by: Site.officer)
        }
    }

    @Test("a made-up cursor leads to no other person's events")
    func forgedCursor() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe, mark: "b"), Visit(mark: "c"))
        var question = AccessQuestion()
        question.cursor = "a1-1-0-1"
        let page = try await site.subjects.access(
            to: try #require(DataSubject(Self.jane)), question, by: Site.officer)
        #expect(try [page].marks == ["c"])
        #expect(page.head == nil)
    }

    @Test("of somebody who is erased between the record and the answer nothing leaves")
    func erasedMeanwhile() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe, session: "s2", mark: "b"))
        let (vault, streams) = (site.vault, site.streams.map(\.id))
        let isFirst = Atomic(true)
        site.query.beforeHandOut.withLock {
            $0 = {
                guard isFirst.exchange(false, ordering: .relaxed) else { return }
                let erasure = Array(Self.jane.utf8).withUnsafeBytes { person in
                    try? vault.requestErasure(
                        of: person, streams: streams, id: "e-1", by: ("dpo", "dpo"),
                        reference: nil, fence: false, now: Site.start)
                }
                #expect(erasure?.linkCount == 1)
            }
        }
        let pages = try await site.accesses(Self.jane)
        #expect(pages.flatMap(\.events).isEmpty)
        #expect(pages.map(\.body.count).reduce(0, +) == 0)
        // The first entry says more than what left; the second what did.
        #expect(try site.entries(.subjectAccessed).map { $0["events"] as? Int ?? 0 } == [1, 0])
        #expect(try await site.accesses(Self.joe).marks == ["b"])
    }

    @Test("about more sequences than a question may be about nothing is told, and how to ask less")
    func linksMax() async throws {
        let site = try Site(linksMax: 2)
        await site.stores(
            Visit(session: "s1", mark: "a"), Visit(session: "s2", mark: "b"),
            Visit(person: Self.joe, session: "s3", mark: "c"))
        await site.stores([Visit(session: "s4", mark: "d")], in: 1)
        let (subjects, jane) = (site.subjects, try #require(DataSubject(Self.jane)))
        await #expect(
            performing: {
                try await subjects.links(of: jane, by: Site.officer)
            }, throws: Self.isRefused)
        await #expect(performing: { try await site.accesses(Self.jane) }, throws: Self.isRefused)
        await #expect(
            performing: {
                try await subjects.recipients(of: jane, RecipientsQuestion(), by: Site.officer)
            }, throws: Self.isRefused)
        // Also this says something of a person.
        #expect(try site.entries(.auditAsked).count == 3)
        for (stream, count) in [("shop", 2), ("app", 1)] {
            let found = try await subjects.links(of: jane, streams: [stream], by: Site.officer)
            #expect(found.items.count == count)
        }
        #expect(try await site.accesses(Self.jane, streams: ["shop"]).marks == ["a", "b"])
        // Whoever has many sequences can be erased all the same.
        #expect(try await site.erases(Self.jane, now: true).erasure.linkCount == 3)
    }

    private static func isRefused(_ error: any Error) -> Bool {
        guard case SubjectError.badRequest("/streams", let expected) = error else { return false }
        return expected.contains("at most 2 sequences")
    }

    @Test(
        "sequences that only the erasure ledger still knows are as many as a question may be about")
    func erasedLinksMax() async throws {
        let site = try Site(linksMax: 2)
        await site.stores(
            Visit(session: "s1", mark: "a", contract: "clear"),
            Visit(session: "s2", mark: "b", contract: "clear"))
        await site.stores([Visit(session: "s3", mark: "c", contract: "clear")], in: 1)
        try await site.erases(Self.jane, now: true)
        let erasure = try #require(site.vault.erasures.first)
        #expect(erasure.knownLinkCount(in: nil) == 3)
        #expect(site.streams.map { erasure.knownLinks(in: $0.id).count } == [2, 1])
        await #expect(performing: { try await site.accesses(Self.jane) }, throws: Self.isRefused)
        #expect(try site.entries(.auditAsked).count == 1)
        #expect(try await site.accesses(Self.jane, streams: ["shop"]).marks == ["a", "b"])
        #expect(try await site.accesses(Self.jane, streams: ["app"]).marks == ["c"])
    }

    @Test("a data subject prints as a word")
    func printing() throws {
        let subject = try #require(DataSubject("SMCANARY"))
        var dumped = ""
        dump(subject, to: &dumped)
        #expect(!"\(subject) \(String(reflecting: subject)) \(dumped)".contains("SMCANARY"))
        #expect(DataSubject("") == nil)
        #expect(DataSubject(String(repeating: "a", count: DataSubject.bytesMax + 1)) == nil)
    }
}

extension [AccessPage] {
    var events: [[String: Any]] {
        get throws {
            try flatMap { page in
                try page.events.map { event in
                    let json = Data(page.body[event.event.json])
                    let object = try JSONSerialization.jsonObject(with: json)
                    return try #require(object as? [String: Any])
                }
            }
        }
    }

    var marks: [String] { get throws { try events.map { $0["mark"] as? String ?? "" } } }
}
