import Store
import Testing

@testable import Ingest

@Suite("Order of a sequence")
struct SequenceOrderTests {
    private func slot(_ order: SequenceOrder, _ key: String, stream: UInt32 = 1) -> Int {
        Array(key.utf8).withUnsafeBytes {
            order.slot(stream: StreamID(rawValue: stream), keyValue: $0)
        }
    }

    @Test("a slot is held until every event in it is released")
    func counting() {
        let order = SequenceOrder()
        let slot = slot(order, "a")
        #expect(order.isQuiet)
        order.hold(slot)
        order.hold(slot)
        order.release(slot)
        #expect(order.isHeld(slot))
        #expect(!order.isQuiet)
        order.release(slot)
        #expect(!order.isHeld(slot))
        #expect(order.isQuiet)
    }

    @Test("one sequence has one slot, and sequences spread over all slots")
    func spreading() {
        let order = SequenceOrder()
        var slots: Set<Int> = []
        for number in 0..<20_000 {
            let found = slot(order, "session-\(number)")
            #expect(found == slot(order, "session-\(number)"))
            slots.insert(found)
        }
        #expect(slots.count == 1_024)
        #expect(slots.max() == 1_023)
    }

    @Test("keys of all lengths around the word size are told apart")
    func lengths() {
        let order = SequenceOrder()
        let keys = (0...40).map { String(repeating: "x", count: $0) }
        #expect(Set(keys.map { slot(order, $0) }).count > 30)
    }
}
