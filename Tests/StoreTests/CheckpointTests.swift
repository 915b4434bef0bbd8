import Foundation
import Synchronization
import Testing

@testable import Store

@Suite("A checkpoint of the database")
struct CheckpointTests {
    private static let partition = StoreFixture.partition

    /// A store on a checkpoint, in a directory of its own.
    private func restored(_ checkpoint: String, _ fixture: StoreFixture) throws -> StoreFixture {
        let copy = try StoreFixture(fixture.adjust)
        copy.clock.set(fixture.clock.read())
        try FileManager.default.createDirectory(
            atPath: copy.directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: checkpoint, toPath: copy.databasePath)
        try copy.open { $0.acceptsOlderState = true }
        return copy
    }

    private func files(_ path: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in Directories.names(path) {
            files[name] = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
        }
        return files
    }

    @Test("under writes is a prefix: all that was acknowledged before it, in order, without holes")
    func prefix() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 100)
        let acknowledged = Mutex(100)
        let isDone = Atomic(false)
        let writer = Thread {
            while !isDone.load(ordering: .acquiring) {
                let first = acknowledged.withLock { $0 }
                guard (try? fixture.send(count: 20, from: first, padding: 400)) != nil else {
                    return
                }
                acknowledged.withLock { $0 = first + 20 }
            }
        }
        writer.start()
        var checkpoints: [(path: String, before: Int, facts: StoreCheckpoint)] = []
        for round in 0..<12 {
            // So that each of them has something new to write.
            let target = acknowledged.withLock { $0 } + 200
            while acknowledged.withLock({ $0 }) < target { usleep(500) }
            let before = acknowledged.withLock { $0 }
            let path = "\(fixture.root)/checkpoint-\(round)"
            checkpoints.append((path, before, try store.checkpoint(to: path)))
        }
        isDone.store(true, ordering: .releasing)
        while !writer.isFinished { usleep(500) }
        for (path, before, facts) in checkpoints {
            let copy = try StoredCopy(path: path)
            let head = try #require(copy.heads[Self.partition])
            #expect(copy.heads == facts.heads)
            #expect(copy.sequence == facts.sequence)
            #expect(head >= UInt64(before))
            #expect(try copy.sweep().events == head)
            let restored = try restored(path, fixture)
            #expect(try restored.events().map(\.number) == Array(0..<Int(head)))
            #expect(try restored.send([7]) == .durable)
        }
        // And the store itself starts again with all that it acknowledged.
        let count = acknowledged.withLock { $0 }
        try fixture.reopen()
        #expect(try fixture.events().map(\.number) == Array(0..<count))
    }

    @Test("is made again and again between single writes, and the store starts after each")
    func startsAfterEach() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        for round in 0..<30 {
            try fixture.send([round])
            _ = try fixture.store.checkpoint(to: "\(fixture.root)/checkpoint-\(round)")
            if round % 3 == 0 { try fixture.send([1_000 + round]) }
            if round % 5 == 0 { try fixture.reopen() }
        }
        #expect(try fixture.events().count == 40)
    }

    @Test("outlives what it was made of: files that are merged or dropped later stay in it")
    func outlives() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 50)
        let path = "\(fixture.root)/checkpoint"
        _ = try store.checkpoint(to: path)
        fixture.clock.advance(by: 20 * 86_400_000)
        #expect(try store.expire(now: fixture.clock.read()).count == 1)
        fixture.close()
        try FileManager.default.removeItem(atPath: fixture.directory)
        #expect(try StoredCopy(path: path).sweep().events == 50)
    }

    @Test("is read where it lies, and reading changes no file and adds none")
    func readingChangesNothing() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 50)
        let path = "\(fixture.root)/checkpoint"
        _ = try store.checkpoint(to: path)
        let before = try files(path)
        do {
            let copy = try StoredCopy(path: path)
            #expect(try copy.sweep().events == 50)
            #expect(copy.days.count == 1)
        }
        #expect(try files(path) == before)
        #expect(!before.keys.contains("LOCK") && !before.keys.contains("LOG"))
    }

    @Test("with a flipped bit in a table is found by the sweep")
    func flippedBit() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 2_000, padding: 300)
        let path = "\(fixture.root)/checkpoint"
        _ = try store.checkpoint(to: path)
        let tables = Directories.names(path).filter { $0.hasSuffix(".sst") }.map { "\(path)/\($0)" }
        let sized = try tables.map { ($0, try Data(contentsOf: URL(filePath: $0))) }
        let largest = try #require(sized.max { $0.1.count < $1.1.count })
        var bytes = largest.1
        bytes[bytes.count / 2] ^= 4
        // A new file: the one that is there is the store's own, by another name.
        try FileManager.default.removeItem(atPath: largest.0)
        try bytes.write(to: URL(filePath: largest.0))
        #expect {
            try StoredCopy(path: path).sweep()
        } throws: {
            if case .corrupt = $0 as? StoreError { true } else { false }
        }
        #expect(throws: Never.self) { try store.verifyChecksums() }
    }

    @Test("over a directory that is there is refused, and changes nothing")
    func refusesExisting() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 5)
        let path = "\(fixture.root)/checkpoint"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        #expect(throws: StoreError.self) { try store.checkpoint(to: path) }
        #expect(Directories.names(path) == [])
        try fixture.send(count: 5, from: 5)
        #expect(try fixture.events().count == 10)
    }

    @Test("of no database is refused")
    func noDatabase() throws {
        let fixture = try StoreFixture()
        #expect(throws: StoreError.self) { try StoredCopy(path: fixture.root) }
        #expect(throws: StoreError.self) { try StoredCopy(path: "\(fixture.root)/none") }
        #expect(Directories.names(fixture.root) == [])
    }
}
