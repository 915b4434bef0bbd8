import Contracts
import Store
import Testing

@testable import Query

@Suite("A derived stream", .timeLimit(.minutes(1)))
struct DerivedStreamTests {
    @Test(
        "golden case: levels 1 and 2 are opened, level 3 stays sealed, consent decides who passes")
    func golden() async throws {
        let machine = try Machine()
        await machine.stores(
            Event(mark: "all", consent: [0, 1, 2, 3]), Event(mark: "without2", consent: [0, 1, 3]),
            Event(mark: "none", consent: []), Event(mark: "exact", consent: [0, 1, 2]))
        let page = try await machine.query.page(
            try machine.reader(cumulative: 2), Query.Request())
        #expect(try page.marks == ["all", "exact"])
        for event in try page.events {
            #expect(event["one"] == "one")
            #expect(event["two"] == "two")
            #expect(event["three"].count == 36)
            #expect(event["three"] != "three")
        }
        #expect(page.count == 2)
        #expect(page.dropped == 2)
        #expect(page.sealedFields == 0)
    }

    @Test(
        "granular needs and opens exactly its levels; cumulative all up to its level",
        arguments: [
            ([1, 3], [[1, 3], [0, 1, 3], [0, 1, 2, 3]], ["one", "three"]),
            ([2], [[2], [2, 3], [0, 1, 2, 3]], ["two"]),
            ([0, 1], [[0, 1], [0, 1, 3], [0, 1, 2, 3]], ["one"]),
            ([0], [[0], [0, 1], [0, 1, 3], [0, 1, 2, 3]], []),
            ([9], [], []),
        ] as [([Int], [[Int]], [String])])
    func levels(required: [Int], passing: [[Int]], opened: [String]) async throws {
        let machine = try Machine()
        let consents = [
            [], [0], [1], [2], [3], [0, 1], [1, 3], [2, 3], [0, 1, 3], [0, 1, 2, 3],
        ]
        await machine.stores(
            consents.map { Event(mark: $0.map(String.init).joined(separator: "-"), consent: $0) })
        let page = try await machine.query.page(try machine.reader(required), Query.Request())
        let expected = consents.filter { passing.contains($0) }
        #expect(try page.marks == expected.map { $0.map(String.init).joined(separator: "-") })
        #expect(page.dropped == consents.count - expected.count)
        for event in try page.events {
            for field in ["one", "two", "three"] {
                #expect((event[field] == field) == opened.contains(field))
            }
        }
    }

    @Test(
        "one that is not approved, or not any more, hands out nothing and leaves no release on record",
        arguments: [Approval.State.pending, .rejected])
    func notApproved(state: Approval.State) async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "all", consent: [0, 1, 2, 3]))
        let approved = try machine.reader([1])
        guard case .derived(var derived, let source) = approved.target else {
            Issue.record("not a derived stream")
            return
        }
        derived.approval = Approval(state: state)
        let reader = Query.Reader(
            client: "c", role: "reader", target: .derived(derived, source: source))
        await #expect(throws: QueryError.notApproved) {
            _ = try await machine.query.page(reader, Query.Request())
        }
        #expect(machine.query.statistics.releases == 0)
        #expect(try await machine.query.page(approved, Query.Request()).count == 1)
    }

    @Test("an event without consent is never delivered, not even to cumulative 0 or to no level")
    func noConsent() async throws {
        let machine = try Machine()
        await machine.stores(Event(consent: []), Event(consent: []))
        for level in [0, 1, 63] {
            let page = try await machine.query.page(
                try machine.reader(cumulative: level), Query.Request())
            #expect(page.count == 0)
            #expect(page.dropped == 2)
        }
        let none = try await machine.query.page(try machine.reader([]), Query.Request())
        #expect(none.count == 0)
    }

    @Test("values come back as they were sent, whatever they hold")
    func values() async throws {
        let machine = try Machine()
        let values = ["", "a", "ü€😀", "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\\u0000\\u001f", "é"]
        await machine.stores(values.map { Event(mark: "m", one: $0) })
        let page = try await machine.query.page(try machine.reader([1]), Query.Request())
        let expected = ["", "a", "ü€😀", "\"\\/\u{8}\u{C}\n\r\t", "\u{0}\u{1F}", "é"]
        #expect(try page.events.map { $0["one"] } == expected)
    }

    @Test("fields whose key is gone stay sealed and are counted; the event is delivered")
    func goneKeys() async throws {
        let data = TestData()
        var machine: Machine? = try Machine(data)
        await machine?.stores(
            Event(session: "gone"), Event(session: "kept"), Event(session: "gone"))
        let reader = try #require(machine?.sealedReader)
        let sealed = try #require(try await machine?.query.page(reader, Query.Request()))
        let link = try #require(KeyLink(try sealed.events[0].keyLink))
        _ = try await machine?.store.commit([.deleteKey(link)])
        machine = nil

        let again = try Machine(data)
        let page = try await again.query.page(try again.reader([1, 2]), Query.Request())
        #expect(page.count == 3)
        #expect(page.sealedFields == 4)
        #expect(try page.events.map { $0["one"] == "one" } == [false, true, false])
        #expect(try page.events[0]["one"] == sealed.events[0]["one"])
        let release = try #require(try again.releases().last)
        #expect(release["events"] as? Int == 1)
        #expect(release["sealedFields"] as? Int == 4)
    }

    @Test("a page ends before it would exceed its bytes, and the next goes on there")
    func pageBytes() async throws {
        let machine = try Machine()
        let long = String(repeating: "x", count: 200_000)
        for number in 0..<60 { await machine.stores(Event(mark: "\(number)", one: long)) }
        var marks: [String] = []
        var request = Query.Request()
        var pages = 0
        while marks.count < 60 {
            let page = try await machine.query.page(try machine.reader([1]), request)
            #expect(page.body.count <= Query.Request.pageBytesMax)
            #expect(page.count > 0)
            marks += try page.marks
            request.cursor = page.nextCursor
            pages += 1
        }
        #expect(pages == 2)
        #expect(marks == (0..<60).map { "\($0)" })
    }
}
