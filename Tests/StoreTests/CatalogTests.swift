import Contracts
import Foundation
import Testing

@testable import Store

@Suite("The catalog")
struct CatalogTests {
    private static let key = DocumentKey(kind: "stream", name: "demo")

    @Test("decides compare-and-set in the order of the requests")
    func compareAndSet() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let first = try await store.commit([
            .putDocument(Self.key, body: [1], expectedRevision: nil)
        ])
        let revision = try #require(first.documentRevisions[Self.key])
        await #expect(throws: StoreError.conflict, "it exists already") {
            try await store.commit([.putDocument(Self.key, body: [2], expectedRevision: nil)])
        }
        await #expect(throws: StoreError.conflict, "of a revision that is not there") {
            try await store.commit([
                .putDocument(Self.key, body: [2], expectedRevision: revision + 1)
            ])
        }
        let second = try await store.commit([
            .putDocument(Self.key, body: [3], expectedRevision: revision)
        ])
        #expect(try #require(second.documentRevisions[Self.key]) > revision)
        await #expect(throws: StoreError.conflict, "of a revision that is past") {
            try await store.commit([.deleteDocument(Self.key, expectedRevision: revision)])
        }
        let third = try await store.commit([
            .putDocument(Self.key, body: [4], expectedRevision: 0)
        ])
        try fixture.reopen()
        let found = try #require(fixture.store.document(Self.key))
        #expect(found.body == [4])
        #expect(found.revision == third.documentRevisions[Self.key])
    }

    @Test("of two requests in one batch lets the first win")
    func raceInOneBatch() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open(starting: false)
        let answers = (0..<2).map { _ in Answer<CommitReceipt>() }
        for (index, answer) in answers.enumerated() {
            try store.submit(
                [
                    .putCursor(key: [UInt8(index)], value: [1]),
                    .putDocument(Self.key, body: [UInt8(index)], expectedRevision: nil),
                ], completion: answer.give)
        }
        try store.start()
        #expect(throws: Never.self) { try answers[0].take().get() }
        #expect(throws: StoreError.conflict) { try answers[1].take().get() }
        #expect(store.document(Self.key)?.body == [0])
        #expect(try store.readCursor([0]) == [1])
        #expect(try store.readCursor([1]) == nil, "nothing of the loser was done")
        #expect(store.statistics.commits == 1)
    }

    @Test("never uses a revision again, also after a delete and a restart")
    func revisionsAreUnique() async throws {
        let fixture = try StoreFixture()
        try fixture.open()
        var seen: Set<UInt64> = []
        for round in 0..<4 {
            let receipt = try await fixture.store.commit([
                .putDocument(Self.key, body: [UInt8(round)], expectedRevision: nil)
            ])
            let revision = try #require(receipt.documentRevisions[Self.key])
            #expect(seen.insert(revision).inserted)
            _ = try await fixture.store.commit([
                .deleteDocument(Self.key, expectedRevision: revision)
            ])
            #expect(fixture.store.document(Self.key) == nil)
            try fixture.reopen()
            #expect(fixture.store.document(Self.key) == nil)
        }
    }

    @Test("lists a kind by name")
    func listsByName() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        for name in ["b", "é", "a", "a/b/1"] {
            _ = try await store.commit([
                .putDocument(
                    DocumentKey(kind: "contract", name: name), body: [1], expectedRevision: nil),
                .putDocument(
                    DocumentKey(kind: "contracts", name: name), body: [1], expectedRevision: nil),
            ])
        }
        #expect(store.documents(kind: "contract").map(\.key.name) == ["a", "a/b/1", "b", "é"])
        try fixture.reopen()
        #expect(
            fixture.store.documents(kind: "contract").map(\.key.name) == ["a", "a/b/1", "b", "é"])
        #expect(fixture.store.documents(kind: "client").isEmpty)
    }

    @Test("keeps keys, indexes, subjects and cursors apart")
    func familiesAreApart() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open(starting: false)
        store.setCommitStage(CountingStage())
        try store.start()
        let link = KeyLink.random()
        _ = try await store.commit([
            .putKey(link, record: [1]), .putIndex(key: link.bytes, value: [2]),
            .putSubject(key: link.bytes), .putCursor(key: link.bytes, value: [3]),
            .putIndex(key: [1, 255, 255], value: [4]), .putIndex(key: [1, 255], value: [5]),
        ])
        #expect(try store.readKey(link) == [1])
        #expect(try store.readIndex(link.bytes) == [2])
        #expect(try store.readCursor(link.bytes) == [3])
        var subjects: [[UInt8]] = []
        try store.scanSubjects(prefix: []) {
            subjects.append(Array($0))
            return true
        }
        #expect(subjects == [link.bytes])
        var values: [UInt8] = []
        try store.scanIndex(prefix: [1, 255]) { _, value in
            values += value
            return true
        }
        #expect(values == [5, 4])
        _ = try await store.commit([
            .deleteKey(link), .deleteIndex(key: link.bytes), .deleteSubject(key: link.bytes),
            .deleteCursor(key: link.bytes),
        ])
        #expect(try store.readKey(link) == nil)
        #expect(try store.readIndex(link.bytes) == nil)
        #expect(try store.readCursor(link.bytes) == nil)
        var links = 0
        try store.scanKeys { _, _ in
            links += 1
            return true
        }
        #expect(links == 0)
    }

    @Test("keeps its entities in JSON that comes back equal")
    func entitiesSurviveJSON() throws {
        let stream = StreamDefinition(
            name: "demo", id: StreamID(rawValue: 3), partitions: 2, createdAt: 5, createdBy: "me")
        let levels = try #require(ConsentLevels([1, 4]))
        let derived = DerivedStreamDefinition(
            name: "demo-1-4", id: StreamID(rawValue: 4), source: "demo", mode: .cumulative(4),
            levels: levels, createdAt: 6, createdBy: "me")
        let contract = ContractRecord(
            ref: "a/b/1", schemaRef: "a/s/1", number: 9, state: .active, document: "{}",
            createdAt: 7, createdBy: "me")
        let client = ClientRecord(
            id: "c", role: .streamOwner, scope: "demo", secretHash: "AA==", createdAt: 8)
        #expect(try roundTrip(stream) == stream)
        #expect(stream.partitionIDs.map(\.partition) == [0, 1])
        #expect(try roundTrip(derived) == derived)
        #expect(try roundTrip(contract) == contract)
        #expect(try roundTrip(client) == client)
        let long = Data(
            #"{"name":"x","id":1,"partitions":1,"retention":401,"createdAt":0,"createdBy":""}"#
                .utf8)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(StreamDefinition.self, from: long)
        }
    }

    private func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
}
