import Store
import Synchronization

/// Keeps the events of one sequence in order while some of them wait for their key.
///
/// A sequence is hashed to one of 1,024 slots. Its lane raises the slot's count for each event that
/// goes the slow way; the slow lane lowers it once that event is in the store's queue. While the
/// count is not zero, later events of the slot go the slow way too, behind it. The store's queue is
/// first in, first out, so nothing of the sequence can pass.
///
/// Two sequences that share a slot only cost each other a detour. Cost when nothing waits, which is
/// nearly always: one load.
///
/// Sendable by what it holds: the counts are atomics; raised by one thread, lowered by another.
final class SequenceOrder: @unchecked Sendable {
    private static let slotCount = 1_024

    private let waitingTotal = Atomic<Int>(0)
    /// Allocated once and never moved: `Atomic` must not be copied into an array.
    private let waiting: UnsafeMutablePointer<Atomic<Int>>
    /// Random, so that nobody can choose key values that meet in one slot.
    private let seed = UInt64.random(in: .min ... .max)

    init() {
        waiting = .allocate(capacity: Self.slotCount)
        for slot in 0..<Self.slotCount { (waiting + slot).initialize(to: Atomic(0)) }
    }

    deinit {
        waiting.deinitialize(count: Self.slotCount)
        waiting.deallocate()
    }

    /// True if no event of this lane waits for its key.
    var isQuiet: Bool { waitingTotal.load(ordering: .acquiring) == 0 }

    func slot(stream: StreamID, keyValue: UnsafeRawBufferPointer) -> Int {
        var hash = seed ^ UInt64(stream.rawValue)
        var index = 0
        while index + 8 <= keyValue.count {
            hash = Self.mix(hash ^ keyValue.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest = UInt64(keyValue.count)
        while index < keyValue.count {
            rest = rest << 8 | UInt64(keyValue[index])
            index += 1
        }
        return Int(Self.mix(hash ^ rest) % UInt64(Self.slotCount))
    }

    func isHeld(_ slot: Int) -> Bool {
        waiting[slot].load(ordering: .acquiring) != 0
    }

    func hold(_ slot: Int) {
        waiting[slot].add(1, ordering: .relaxed)
        waitingTotal.add(1, ordering: .relaxed)
    }

    /// After the event was queued, or answered with an error: releasing, so that whoever sees the
    /// lower count also sees the event in the store's queue.
    func release(_ slot: Int) {
        waiting[slot].subtract(1, ordering: .releasing)
        waitingTotal.subtract(1, ordering: .releasing)
    }

    /// A multiplication whose two halves are folded: each bit of the input moves half of the
    /// result.
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
