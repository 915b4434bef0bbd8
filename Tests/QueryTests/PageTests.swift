import Contracts
import Crypto
import Store
import Testing
import Vault

@testable import Query

@Suite("A page", .timeLimit(.minutes(1)))
struct PageTests {
    @Test("of a stream holds the stored bytes, and cursors lead through all of them once")
    func encrypted() async throws {
        let machine = try Machine()
        await machine.stores((0..<25).map { Event(mark: "\($0)") })
        var stored: [UInt8] = []
        _ = try machine.store.read(
            machine.stream.partitionIDs[0], from: Offset(rawValue: 0), limit: 100, notBefore: 0
        ) { event in
            stored += event.json
            stored.append(0x0A)
            return true
        }
        var read: [UInt8] = []
        var counts: [Int] = []
        var request = Query.Request(limit: 10)
        for _ in 0..<4 {
            let page = try await machine.query.page(machine.sealedReader, request)
            read += page.body
            counts.append(page.count)
            request.cursor = page.nextCursor
        }
        #expect(read == stored)
        #expect(counts == [10, 10, 5, 0])
        #expect(machine.query.statistics.sealedEvents == 25)
        #expect(machine.query.statistics.sealedPages == 3)
    }

    @Test("keeps to its times: from is included, to is not")
    func times() async throws {
        let machine = try Machine()
        for number in 0..<10 {
            await machine.stores(Event(mark: "\(number)"))
            machine.clock.advances(by: 1_000)
        }
        func marks(_ from: Milliseconds?, _ to: Milliseconds?) async throws -> [String] {
            let request = Query.Request(
                from: from.map { Machine.start + $0 }, to: to.map { Machine.start + $0 })
            return try await machine.query.page(machine.sealedReader, request).marks
        }
        #expect(try await marks(3_000, 6_000) == ["3", "4", "5"])
        #expect(try await marks(3_001, 6_001) == ["4", "5", "6"])
        #expect(try await marks(nil, 1) == ["0"])
        #expect(try await marks(9_000, nil) == ["9"])
        #expect(try await marks(9_001, nil) == [])
        #expect(try await marks(0, 0) == [])
        #expect(try await marks(.max - Machine.start, nil) == [])
        #expect(try await marks(nil, .max - Machine.start).count == 10)
        // A cursor behind `from` goes on where it is; one before it is moved.
        let first = try await machine.query.page(machine.sealedReader, .init(limit: 2))
        let jumped = try await machine.query.page(
            machine.sealedReader, .init(cursor: first.nextCursor, from: Machine.start + 8_000))
        #expect(try jumped.marks == ["8", "9"])
    }

    @Test("can be asked for the events of one key link")
    func keyLink() async throws {
        let machine = try Machine()
        await machine.stores((0..<9).map { Event(session: "s\($0 % 3)", mark: "\($0)") })
        let all = try await machine.query.page(machine.sealedReader, .init())
        let link = try #require(KeyLink(try all.events[1].keyLink))
        let page = try await machine.query.page(machine.sealedReader, .init(keyLink: link))
        #expect(try page.marks == ["1", "4", "7"])
        let derived = try await machine.query.page(
            try machine.reader([1]), .init(limit: 2, keyLink: link))
        #expect(try derived.marks == ["1", "4"])
        #expect(derived.dropped == 0)
    }

    @Test("never holds what has expired, to the millisecond")
    func expiry() async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "old"))
        machine.clock.advances(by: 1)
        await machine.stores(Event(mark: "young"))
        let early = try await machine.query.page(machine.sealedReader, .init(limit: 1))
        #expect(try early.marks == ["old"])
        let beginning = Cursor(
            view: machine.sealedReader.view, turn: 0, offsets: [Offset(rawValue: 0)]
        ).encoded(.init(data: machine.vault.secret(.cursorKey)))

        machine.clock.advances(by: machine.stream.retention.milliseconds - 1)
        #expect(
            try await machine.query.page(machine.sealedReader, .init()).marks == ["old", "young"])
        machine.clock.advances(by: 1)
        for request in [
            Query.Request(), Query.Request(cursor: beginning), Query.Request(from: Machine.start),
        ] {
            let sealed = try await machine.query.page(machine.sealedReader, request)
            #expect(try sealed.marks == ["young"])
        }
        let derived = try await machine.query.page(try machine.reader([1]), .init())
        #expect(try derived.marks == ["young"])
        machine.clock.advances(by: 1)
        let empty = try await machine.query.page(machine.sealedReader, .init())
        #expect(empty.count == 0)
        #expect(machine.query.statistics.droppedEvents == 0)
    }

    @Test("comes from one partition, and the partitions take turns")
    func partitions() async throws {
        let machine = try Machine(partitions: 3)
        for partition in 0..<3 {
            await machine.stores(
                (0..<4).map { Event(mark: "\(partition)-\($0)") }, partition: partition)
        }
        var request = Query.Request(limit: 2)
        var marks: [[String]] = []
        for _ in 0..<7 {
            let page = try await machine.query.page(try machine.reader([1]), request)
            request.cursor = page.nextCursor
            marks.append(try page.marks)
        }
        #expect(
            marks == [
                ["0-0", "0-1"], ["1-0", "1-1"], ["2-0", "2-1"], ["0-2", "0-3"], ["1-2", "1-3"],
                ["2-2", "2-3"], [],
            ])
    }

    @Test(
        "is refused if the request breaks a bound",
        arguments: [
            Query.Request(limit: 0), Query.Request(limit: 10_001), Query.Request(waitSeconds: -1),
            Query.Request(waitSeconds: 61), Query.Request(waitSeconds: .nan),
            Query.Request(from: -1), Query.Request(to: -1), Query.Request(consumer: ""),
            Query.Request(consumer: "a/b"),
            Query.Request(consumer: String(repeating: "a", count: 129)),
            Query.Request(consumer: "ü"),
        ])
    func bounds(request: Query.Request) async throws {
        let machine = try Machine()
        await #expect {
            try await machine.query.page(machine.sealedReader, request)
        } throws: { error in
            if case .badRequest = error as? QueryError { true } else { false }
        }
    }
}
