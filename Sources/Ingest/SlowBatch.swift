import Contracts
import Store

/// Decoded events of one lane that wait for keys, in the order in which they came.
///
/// A copy of what the decoder found, not of the body: the slow lane needs no second decode, and an
/// event that was accepted cannot be refused later because a contract changed in between.
/// All bytes lie in one arena, in clear, and are zeroised when the batch dies.
///
/// Sendable because it has one owner at a time: the lane fills it, then hands it over through a
/// lock and never touches it again.
final class SlowBatch: @unchecked Sendable {
    /// One event: where its parts lie in the arena, and what came with it.
    struct Entry {
        var json: Range<Int>
        var key: Range<Int>
        /// nil: the event names no data subject.
        var subject: Range<Int>?
        var spans: Range<Int>
        var contract: UInt32
        var consent: ConsentLevels
        var target: StreamTarget
        var token: CommitToken
        var now: Milliseconds
        var bodyBytes: Int
        var reservedBytes: Int
        var slot: Int
    }

    let sink: any CommitSink
    let order: SequenceOrder
    private(set) var entries: [Entry] = []

    private var spans: [EventSpan] = []
    private var arena: UnsafeMutableRawBufferPointer
    private var used = 0

    init(sink: any CommitSink, order: SequenceOrder) {
        self.sink = sink
        self.order = order
        arena = .allocate(byteCount: 16 << 10, alignment: 16)
    }

    deinit {
        wipe(arena)
        arena.deallocate()
    }

    /// Copies the decoder's present event.
    func append(
        from decoder: EventDecoder, target: StreamTarget, token: CommitToken, now: Milliseconds,
        bodyBytes: Int, reserving bytes: Int, slot: Int
    ) {
        let firstSpan = spans.count
        spans.append(contentsOf: decoder.spans)
        let entry = Entry(
            json: copy(decoder.json), key: copy(decoder.keyValue),
            subject: decoder.subjectValue.map { copy($0) }, spans: firstSpan..<spans.count,
            contract: decoder.contract.number, consent: decoder.consentLevels, target: target,
            token: token, now: now, bodyBytes: bodyBytes, reservedBytes: bytes,
            slot: slot)
        entries.append(entry)
    }

    /// The bytes of a part of an entry; valid while the batch lives.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: arena[range])
    }

    func withSpans<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeBufferPointer<EventSpan>) throws(E) -> R
    ) throws(E) -> R {
        try spans.withUnsafeBufferPointer { (all) throws(E) in
            try body(UnsafeBufferPointer(rebasing: all[range]))
        }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        if used + bytes.count > arena.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(arena.count * 2, used + bytes.count), alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: arena[..<used]))
            wipe(arena)
            arena.deallocate()
            arena = larger
        }
        UnsafeMutableRawBufferPointer(rebasing: arena[used...]).copyMemory(from: bytes)
        defer { used += bytes.count }
        return used..<used + bytes.count
    }
}
