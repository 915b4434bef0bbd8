import Contracts
import Store
import Testing

@testable import Ingest

@Suite("A batch", .timeLimit(.minutes(1)))
struct BatchTests {
    private func receive(_ machine: Machine, _ text: String) -> BatchReceipt {
        Array(text.utf8).withUnsafeBytes {
            machine.lane.receiveBatch(
                $0, schemaRef: nil, stream: machine.target,
                token: CommitToken(first: 99, second: 0), now: machine.clock.now)
        }
    }

    @Test("good lines are stored beside refused ones, which are named by their number")
    func mixed() async throws {
        let machine = try Machine()
        let receipt = receive(
            machine,
            [event("a", mark: "1"), "{", "", event("b", mark: "NO"), event("c", mark: "2")]
                .joined(separator: "\r\n"))
        #expect(receipt.queued == 2)
        #expect(receipt.refused.map(\.line) == [2, 4])
        #expect(receipt.refused.last?.refusal.pointer == "/mark")
        #expect(receipt.stopped == nil)
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.sink.durable == [99, 99])
        #expect(try machine.storedMarks() == ["1", "2"])
    }

    @Test("lines beyond the bound are left, and the receipt says where")
    func tooMany() async throws {
        let machine = try Machine { $0.batchLinesMax = 3 }
        let lines = (0..<5).map { event("s", mark: "\($0)") }
        let receipt = receive(machine, lines.joined(separator: "\n"))
        #expect(receipt.queued == 3)
        #expect(receipt.stopped?.line == 4)
        guard case .refused(let refusal) = receipt.stopped?.outcome else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.kind == .tooLarge)
    }

    @Test("overload stops a batch at its line; what was queued before is still answered")
    func overloaded() async throws {
        let machine = try Machine { $0.slowEventsMax = 2 }
        let lines = (0..<5).map { event("s\($0)") }
        let receipt = receive(machine, lines.joined(separator: "\n"))
        #expect(receipt.queued == 2)
        #expect(receipt.stopped?.line == 3)
        #expect(receipt.stopped?.outcome == .overloaded(retryAfterSeconds: 1))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
    }
}
