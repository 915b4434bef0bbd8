import Audit
import Contracts
import Foundation
import Store
import Testing

@testable import Query

@Suite("Who received a person's data", .timeLimit(.minutes(4)))
struct RecipientTests {
    static let seed: UInt64 =
        ProcessInfo.processInfo.environment["STRM_TEST_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 0..<1_000_000)

    @Test("an event that was passed but whose field stayed sealed is no disclosure")
    func sealedIsNone() async throws {
        let machine = try Machine()
        await machine.stores(
            Event(session: "ann", consent: [1, 2]), Event(session: "bob", consent: [1]))
        // Of ann's contract b there is no field at level 2: her event leaves, nothing is opened.
        await machine.stores(Event(session: "eve", consent: [1, 2], contract: "b"))
        let page = try await machine.query.page(try machine.reader([2]), Query.Request())
        #expect(page.count == 2)
        let links = try page.events.compactMap { KeyLink($0.keyLink) }
        let ann = try await machine.audit.recipients(of: [links[0]])
        #expect(ann.recipients.count == 1)
        #expect(ann.recipients.first?.fields == ["two"])
        #expect(ann.recipients.first?.purposes == [2])
        #expect(ann.recipients.first?.events == 1)
        #expect(ann.exactAfter == nil)
        #expect(try await machine.audit.recipients(of: [links[1]]).recipients.isEmpty)
        #expect(try await machine.audit.recipients(of: []).recipients.isEmpty)
    }

    @Test("a hash is told apart from what left in clear")
    func hashes() async throws {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract()])
        await machine.stores(Order(notes: ["note 1"]).json)
        let masks = [MaskRule(contract: "shop/order", field: "customer/email", type: .hmacSHA256)]
        let page = try await machine.query.page(
            try await machine.masked(masks, [1]), Query.Request())
        let link = try #require(KeyLink(try page.events[0].keyLink))
        let answer = try await machine.audit.recipients(of: [link])
        #expect(answer.recipients.first?.fields == ["customer/tier"])
        #expect(answer.recipients.first?.hashedFields == ["customer/email"])
        #expect(answer.recipients.first?.events == 1)
        #expect(answer.recipients.first?.hashedEvents == 1)
    }

    @Test("random reads, exports, keys that go and keys handed out: each answer is the model's")
    func differential() async throws {
        for round in 0..<4 {
            let run = try await RecipientRun(seed: Self.seed &+ UInt64(round))
            for _ in 0..<70 { try await run.step() }
            try await run.compare()
        }
    }
}

/// A machine, its model, and a generator that decides what happens next.
private final class RecipientRun {
    private static let masks = [
        MaskRule(contract: "shop/order", field: "customer/email", type: .hmacSHA256),
        MaskRule(contract: "shop/order", field: "items/*/note", type: .murmur3, seed: 42),
        MaskRule(contract: "shop/order", field: "total", type: .hmacSHA256),
    ]

    private let seed: UInt64
    private var random: Twister
    private let data = TestData()
    private var machine: Machine?
    private var model = DisclosureModel()
    private var stored = 0
    private var readers: [Query.Reader] = []
    private var links: Set<KeyLink> = []

    init(seed: UInt64) async throws {
        self.seed = seed
        random = Twister(state: seed)
        try reopen()
        let machine = try open
        readers = [
            try machine.reader([1], client: "a", id: 70),
            try machine.reader([1, 2], client: "b", id: 71),
            try machine.reader([0], client: "a", id: 72),
            try await machine.masked(Self.masks, [1, 2], id: 73),
            try await machine.masked([Self.masks[2]], [2], id: 74),
        ]
        try await store(20)
    }

    private var open: Machine {
        get throws { try #require(machine) }
    }

    /// Forgets the keys in memory.
    private func reopen() throws {
        machine = nil
        let machine = try Machine(data)
        machine.registry.replaceAll([try Order.contract()])
        self.machine = machine
    }

    private func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    func step() async throws {
        switch pick(12) {
        case 0, 1: try await store(1 + pick(12))
        case 2: try open.clock.advances(by: Milliseconds(1 + pick(30)) * Machine.hour)
        case 3:
            guard let link = links.sorted().randomElement(using: &random) else { return }
            _ = try await open.store.commit([.deleteKey(link)])
            try reopen()
        case 4: try await exportKeys()
        case 5, 6: try await export()
        default: try await read()
        }
    }

    private func store(_ count: Int) async throws {
        let machine = try open
        for _ in 0..<count {
            let consent = [[0], [0, 1], [0, 1, 2], [0, 2], []][pick(5)]
            let order = Order(
                session: "s\(pick(9))", email: "p\(pick(9))@example.com", tier: "PLAIN",
                zip: String(stored), notes: (0..<pick(3)).map { "note \($0)" }, consent: consent)
            await machine.stores(json: [order.json])
            stored += 1
        }
        // Sealed pages tell the links and are not on record.
        var request = Query.Request(limit: 10_000)
        request.from = machine.clock.now
        let page = try await machine.query.page(machine.sealedReader, request)
        links.formUnion(try page.events.compactMap { KeyLink($0.keyLink) })
    }

    private func read() async throws {
        let machine = try open
        let reader = readers[pick(readers.count)]
        var request = Query.Request(limit: 1 + pick(40))
        for _ in 0..<(1 + pick(3)) {
            let before = machine.audit.size
            let page = try await machine.query.page(reader, request)
            request.cursor = page.nextCursor
            try check(page.body, before, reader, object: nil)
        }
    }

    private func export() async throws {
        let machine = try open
        var reader = readers[pick(readers.count)]
        let object = "object-\(pick(5))"
        reader.detail = ["exporter": "x", "connector": "y", "object": object]
        let first = UInt64(pick(stored))
        let end = first + UInt64(pick(stored - Int(first)) + 1)
        let before = machine.audit.size
        let page = try await machine.query.readRange(
            reader, partition: 0, first: Offset(rawValue: first), end: Offset(rawValue: end))
        try check(page.body, before, reader, object: object)
    }

    private func exportKeys() async throws {
        let machine = try open
        var stream = machine.stream
        stream.allowsKeyExport = true
        let reader = Query.Reader(client: "keys", role: "exporter", target: .stream(stream))
        let asked = Set(links.sorted().shuffled(using: &random).prefix(1 + pick(6)))
        let before = machine.audit.size
        let keys = try await machine.query.releaseKeys(
            reader, asked, detail: ["exporter": "k", "connector": "y", "object": "k.csv"])
        if let entry = try recorded(.keysExported, since: before) {
            model.noteKeys(
                keys.map(\.link), entry: entry, at: machine.clock.now, client: "keys",
                object: "k.csv")
        } else {
            #expect(keys.isEmpty, "seed \(seed)")
        }
    }

    private func check(
        _ body: [UInt8], _ before: UInt64, _ reader: Query.Reader, object: String?
    ) throws {
        let entry = try recorded(.release, since: before)
        let isMade = try model.note(
            body, entry: entry ?? 0, at: try open.clock.now, client: reader.client,
            derived: try #require(reader.target.derived?.name), object: object)
        #expect(isMade == (entry != nil), "seed \(seed)")
    }

    /// The one entry of a kind since then; nil: there is none.
    private func recorded(_ act: Act, since first: UInt64) throws -> UInt64? {
        let page = try open.audit.entries(
            matching: AuditFilter(act: act), from: first, limit: 10)
        #expect(page.lines.count <= 1, "seed \(seed)")
        return page.lines.first?.sequence
    }

    func compare() async throws {
        let machine = try open
        let end = machine.clock.now + 1
        var nonempty = 0
        for number in 0..<60 {
            let asked =
                number == 0
                ? links : Set(links.sorted().shuffled(using: &random).prefix(1 + pick(4)))
            let span = Int(end - Machine.start)
            let from = pick(2) == 0 ? nil : Machine.start + Milliseconds(pick(span))
            let to = pick(2) == 0 ? nil : Machine.start + Milliseconds(pick(span))
            let answer = try await machine.audit.recipients(of: asked, from: from, to: to)
            let purpose = pick(3) == 0 ? pick(3) : nil
            try await compare(asked, purpose, from: from, to: to)
            let expected = model.recipients(of: asked, from: from, to: to)
            let found = answer.recipients.map { DisclosureModel.Answer($0) }
            #expect(Set(found) == expected, "STRM_TEST_SEED=\(seed)")
            #expect(found.count == expected.count, "STRM_TEST_SEED=\(seed)")
            #expect(answer.unknown.ranges.isEmpty && answer.exactAfter == nil && !answer.isCut)
            nonempty += found.isEmpty ? 0 : 1
        }
        #expect(nonempty > 5, "STRM_TEST_SEED=\(seed)")
        var wrong = model
        wrong.forgetLast()
        let all = try await machine.audit.recipients(of: links)
        #expect(
            Set(all.recipients.map { DisclosureModel.Answer($0) })
                != wrong.recipients(of: links, from: nil, to: nil), "STRM_TEST_SEED=\(seed)")
        try await compareUses(machine, until: end)
    }

    /// Of one purpose: fields of that level alone, and data keys, which open them too.
    private func compare(
        _ asked: Set<KeyLink>, _ purpose: Int?, from: Milliseconds?, to: Milliseconds?
    ) async throws {
        guard let purpose else { return }
        let answer = try await open.audit.recipients(
            of: asked, from: from, to: to, matching: AuditFilter(purpose: purpose))
        var one = model
        one.keeps(purpose)
        var expected = one.recipients(of: asked, from: from, to: to)
        // Which level a hash was of is not on record: those are told for all levels of the row.
        expected = expected.filter { $0.hashed.isEmpty }
        let found = Set(answer.recipients.map { DisclosureModel.Answer($0) })
        func fields(_ answers: Set<DisclosureModel.Answer>) -> [String] {
            answers.map { "\($0.client) \($0.derived ?? "") \($0.fields)" }.sorted()
        }
        let inClear = found.filter { $0.hashed.isEmpty }
        #expect(fields(inClear) == fields(expected), "STRM_TEST_SEED=\(seed) purpose \(purpose)")
        #expect(found.allSatisfy { $0.purposes == [purpose] || $0.act == .keysExported })
    }

    private func compareUses(_ machine: Machine, until end: Milliseconds) async throws {
        let fields = ["customer/email", "customer/tier", "customer/born", "items/note", "none"]
        let span = Int(end - Machine.start)
        for _ in 0..<60 {
            var question = DisclosureModel.Question()
            if pick(2) == 0 { question.field = fields[pick(fields.count)] }
            if pick(3) == 0 { question.client = ["a", "b", "reader", "keys", "x"][pick(5)] }
            if pick(3) == 0 { question.purpose = pick(3) }
            if pick(2) == 0 { question.from = Machine.start + Milliseconds(pick(span)) }
            if pick(2) == 0 { question.to = Machine.start + Milliseconds(pick(span)) }
            let filter = AuditFilter(
                from: question.from, to: question.to, client: question.client,
                purpose: question.purpose)
            let answer = try await machine.audit.uses(
                matching: filter, ofField: question.field, countsSequences: true)
            let found = answer.uses.map { DisclosureModel.UseAnswer($0) }
            let expected = model.uses(question)
            #expect(Set(found) == expected, "STRM_TEST_SEED=\(seed) \(question)")
            #expect(found.count == expected.count, "STRM_TEST_SEED=\(seed)")
            #expect(
                !answer.uses.contains {
                    $0.sequences.isLowerBound || $0.isPartial || $0.isUpperBound
                })
            let split = try await machine.audit.uses(
                matching: filter, ofField: question.field, splitBy: PurposeMeanings(),
                countsSequences: true
            ).uses.filter { $0.way.act == .release }.map { DisclosureModel.UseAnswer($0) }
            #expect(
                Set(split) == model.usesByLevel(question), "STRM_TEST_SEED=\(seed) \(question)")
        }
        try await comparePeriod(machine)
    }

    private func comparePeriod(_ machine: Machine) async throws {
        let fields = try await machine.audit.period(from: nil, to: nil).fields
        #expect(Set(fields.figures.keys.map(\.contract)).isSubset(of: [Order.reference]))
        for (name, figures) in fields.figures {
            let pages = model.pages.filter { $0.values[name.field] != nil }
            #expect(
                Int(figures.values) == pages.reduce(0) { $0 + $1.values[name.field, default: 0] })
            let links = Set(pages.flatMap { $0.links[name.field] ?? [] })
            #expect(figures.sequences == .init(value: links.count, isLowerBound: false))
            #expect(figures.readers == Set(pages.map(\.client)).sorted())
        }
        let all = Set(model.pages.flatMap { $0.links.values.flatMap { $0 } })
        #expect(fields.sequences.value == all.count, "STRM_TEST_SEED=\(seed)")
        #expect(
            Set(fields.figures.keys.map(\.field)) == Set(model.pages.flatMap(\.values.keys)))
    }
}
