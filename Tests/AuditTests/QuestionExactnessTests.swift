import Store
import Testing

@testable import Audit

@Suite("Answers about entries of several contracts, levels and ages")
struct QuestionExactnessTests {
    private static let link = KeyLink(high: 7, low: 1)
    private static let other = KeyLink(high: 7, low: 2)

    /// `a` of level 1 of the link, `b` of level 4 of the other one.
    private static func page() -> AuditEntry {
        var entry = AuditEntry(
            act: .release, client: "c", role: "reader", stream: "s", derivedStream: "d",
            partition: 0, fields: ["a", "b"], contracts: ["x/y/1.0.0"], purposes: [1, 4])
        entry.values = [3, 5]
        entry.fieldLevels = [1, 4]
        entry.fieldContracts = [0, 0]
        entry.events = 8
        entry.keyLinks = 2
        var first = Disclosures.Row(link: link)
        (first.purposes, first.opened, first.events) = (0b01, 0b01, 3)
        var second = Disclosures.Row(link: other)
        (second.purposes, second.opened, second.events) = (0b10, 0b10, 5)
        entry.disclosures = Disclosures(rows: [first, second])
        return entry
    }

    private static func uses(
        _ fixture: AuditFixture, field: String? = nil, purpose: Int? = nil
    ) async throws -> [AuditUses.Use] {
        try await fixture.log.uses(
            matching: AuditFilter(purpose: purpose), ofField: field, countsSequences: true
        ).uses
    }

    @Test("a field counts for the purpose of its own level, not for others of the same page")
    func levels() async throws {
        let fixture = try AuditFixture()
        try await fixture.records([Self.page()])
        #expect(try await Self.uses(fixture, field: "a", purpose: 4).isEmpty)
        let found = try await Self.uses(fixture, purpose: 4)
        #expect(found.map(\.values) == [["b": 5]])
        #expect(found.map(\.way.purposes) == [[4]])
        #expect(found.map(\.sequences.value) == [1])
        let split = try await fixture.log.uses(
            matching: AuditFilter(), splitBy: PurposeMeanings(), countsSequences: true)
        #expect(split.uses.map(\.values) == [["a": 3], ["b": 5]])
        #expect(split.uses.map(\.way.purposes) == [[1], [4]])
    }

    @Test("an entry from before levels were told counts for each of its levels, and says so")
    func oldEntry() async throws {
        let fixture = try AuditFixture()
        var entry = Self.page()
        entry.fieldLevels = []
        entry.fieldContracts = []
        try await fixture.records([entry])
        let found = try await Self.uses(fixture, purpose: 4)
        #expect(found.map(\.values) == [["a": 3, "b": 5]])
        #expect(found.map(\.isUpperBound) == [true])
        #expect(try await Self.uses(fixture).map(\.isUpperBound) == [false])
    }

    @Test("what a person's neighbour on the page was read for is not the person's purpose")
    func rows() async throws {
        let fixture = try AuditFixture()
        try await fixture.records([Self.page()])
        func recipients(_ purpose: Int?) async throws -> [AuditRecipients.Recipient] {
            try await fixture.log.recipients(
                of: [Self.link], matching: AuditFilter(purpose: purpose)
            ).recipients
        }
        #expect(try await recipients(4).isEmpty)
        #expect(try await recipients(1).map(\.fields) == [["a"]])
        #expect(try await recipients(nil).map(\.purposes) == [[1]])
    }

    @Test("who got data keys is in the answer for every purpose: they open all fields")
    func keys() async throws {
        let fixture = try AuditFixture()
        var keys = AuditEntry(act: .keysExported, client: "k", role: "exporter", stream: "s")
        keys.keyLinks = 1
        keys.disclosures = Disclosures(rows: [Disclosures.Row(link: Self.link)])
        try await fixture.records([keys, AuditEntry(act: .rejectionShown, client: "r")])
        #expect(
            try await Self.uses(fixture, field: "a", purpose: 4).map(\.way.client) == ["k", "r"])
        let answer = try await fixture.log.recipients(
            of: [Self.link], matching: AuditFilter(purpose: 4))
        #expect(answer.recipients.map(\.client) == ["k"])
        // The log itself, asked for entries of a purpose, gives those that name it.
        #expect(try fixture.lines(AuditFilter(purpose: 4)).isEmpty)
    }

    @Test("fields of two contracts with one path are told apart, and none is given the other's")
    func contracts() async throws {
        let fixture = try AuditFixture()
        var entry = Self.page()
        entry.fields = ["a", "a", "b"]
        entry.values = [1, 2, 3]
        entry.fieldLevels = [1, 4, 4]
        entry.contracts = ["x/y/1.0.0", "x/y/2.0.0", "z/masked/1.0.0"]
        entry.fieldContracts = [0, 1, 1]
        try await fixture.records([entry])
        let figures = try await fixture.log.period(from: nil, to: nil).fields.figures
        #expect(
            figures.mapValues(\.values) == [
                .init(contract: "x/y/1.0.0", field: "a"): 1,
                .init(contract: "x/y/2.0.0", field: "a"): 2,
                .init(contract: "x/y/2.0.0", field: "b"): 3,
            ])
        #expect(!figures.values.contains { $0.isUpperBound })
        #expect(try await Self.uses(fixture, field: "a").map(\.values) == [["a": 3]])
    }

    @Test("an answer that handed nothing out does not make later answers inexact")
    func emptyAccess() async throws {
        let fixture = try AuditFixture()
        var found = AuditEntry(act: .subjectAccessed, client: "dpo", role: "dpo", stream: "s")
        found.events = 2
        found.keyLinks = 1
        found.sealedFields = 2
        try await fixture.records([
            AuditEntry(act: .subjectAccessed, client: "dpo", role: "dpo", events: 0), found,
            Self.page(),
        ])
        let answer = try await fixture.log.recipients(of: [Self.link])
        #expect(answer.unknown.ranges.isEmpty && answer.exactAfter == nil)
        let uses = try await fixture.log.uses(matching: AuditFilter(), countsSequences: true)
        #expect(uses.unknown.ranges.isEmpty)
        #expect(!uses.uses.contains { $0.sequences.isLowerBound })
    }

    @Test("who got hashes of a field is told when what lay beside the entry is forgotten, too")
    func forgottenHashes() async throws {
        let fixture = try AuditFixture()
        var entry = AuditEntry(
            act: .release, client: "m", role: "reader", stream: "s", derivedStream: "d",
            contracts: ["x/y/1.0.0"], purposes: [4], keyLinks: 1,
            detail: ["masked": "a b", "masked-values": "2"])
        var row = Disclosures.Row(link: Self.link)
        (row.purposes, row.hashed, row.hashedEvents) = (1, 1, 1)
        entry.disclosures = Disclosures(hashedFields: ["a"], rows: [row])
        try await fixture.records([entry])
        #expect(try await Self.uses(fixture, field: "a").map(\.hashedFields) == [["a"]])
        fixture.clock.now += 1_000
        #expect(try await fixture.log.forgetDisclosures(before: fixture.clock.now) == 1)
        let uses = try await fixture.log.uses(
            matching: AuditFilter(), ofField: "a", countsSequences: true)
        #expect(uses.uses.map(\.hashedFields) == [["a"]])
        #expect(uses.uses.map(\.hashedEntries.ranges) == [[0...0]])
        #expect(uses.unknown.ranges == [0...0])
    }

    @Test("a field longer than a name in an entry is found by its whole path")
    func longPath() async throws {
        let fixture = try AuditFixture()
        let path = String(repeating: "long/", count: 80) + "end"
        var entry = Self.page()
        entry.fields = [path, "z"]
        try await fixture.records([entry])
        let found = try await Self.uses(fixture, field: path)
        #expect(found.map { $0.values.values.map { $0 } } == [[3]])
        let answer = try await fixture.log.recipients(of: [Self.link], ofField: path)
        #expect(answer.recipients.count == 1)
        #expect(try fixture.lines(AuditFilter(field: path)).count == 1)
        let starred = try await fixture.log.recipients(of: [Self.other], ofField: "*/z")
        #expect(starred.recipients.count == 1)
    }

    @Test("each condition of a filter must hold by itself, also where a list was cut")
    func conditions() async throws {
        let fixture = try AuditFixture()
        var entry = Self.page()
        entry.fields = ["a"] + (0..<9_000).map { "field-\($0)" }
        entry.values = []
        entry.fieldLevels = []
        entry.fieldContracts = []
        try await fixture.records([entry])
        #expect(try fixture.lines().first?.contains("fieldsOmitted") == true)
        #expect(try fixture.lines(AuditFilter(client: "c", field: "a")).count == 1)
        #expect(try fixture.lines(AuditFilter(client: "somebody", field: "a")).isEmpty)
        #expect(try fixture.lines(AuditFilter(client: "somebody", field: "none")).isEmpty)
    }

    @Test("what a level stood for is told as of the entry, whatever it stands for today")
    func meanings() async throws {
        let fixture = try AuditFixture()
        func set(_ name: String) -> AuditEntry {
            AuditEntry(
                act: .purposeSet, client: "dpo", purposes: [4],
                detail: ["name": name, "legalBasis": "consent", "owner": "o"])
        }
        try await fixture.records([
            Self.page(), set("fraud prevention"), Self.page(), set("marketing"), Self.page(),
            set("marketing"),
            AuditEntry(act: .purposeDeleted, client: "dpo", purposes: [4]),
        ])
        let meanings = try await fixture.log.purposeMeanings()
        #expect(
            meanings.byLevel[4]?.map(\.name) == [nil, "fraud prevention", "marketing", nil])
        #expect(meanings.byLevel[4]?.last?.isDeleted == true)
        let uses = try await fixture.log.uses(
            matching: AuditFilter(purpose: 4), splitBy: meanings, countsSequences: false
        ).uses
        #expect(uses.map(\.way.meaning) == [0, 1, 2])
        #expect(uses.map(\.entries.ranges) == [[0...0], [2...2], [4...4]])
    }

    @Test("entries from the end that was asked for on are not in a page")
    func bounded() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<5).map { _ in AuditEntry(act: .tokenIssued) })
        let page = try fixture.log.entries(
            matching: AuditFilter(), from: 1, before: 3, limit: 100)
        #expect(page.lines.map(\.sequence) == [1, 2])
        #expect(page.isComplete && page.next == 3)
    }
}
