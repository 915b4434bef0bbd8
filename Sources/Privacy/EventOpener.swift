package import Contracts

/// Turns the stored JSON of an event into what a reader of certain consent levels may see.
///
/// Confined to one thread. The plaintext that passes through is wiped at the end of its life.
package final class EventOpener {
    var cipher = FieldCipher()
    var plaintext = ScratchBuffer()

    package init() {}

    /// Appends the event with the fields whose level is in `levels` opened and JSON-escaped, and
    /// all others as they are.
    ///
    /// - Parameters:
    ///   - spans: the event's sealed fields, ascending, inside `json`.
    ///   - key: the 64 bytes of the data key that the event names.
    /// - Returns: how many fields were opened.
    /// - Throws: why a field cannot be opened; `output` is then as it was before.
    package func open(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<SealedSpanValue>,
        levels: ConsentLevels, key: UnsafeRawBufferPointer, keyID: UInt32,
        into output: inout ByteBuilder
    ) throws(OpenError) -> Int {
        let countBefore = output.count
        cipher.setKey(key, keyID: keyID)
        do throws(OpenError) {
            return try append(json: json, spans: spans, levels: levels, to: &output)
        } catch {
            output.truncate(to: countBefore)
            throw error
        }
    }

    private func append(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<SealedSpanValue>,
        levels: ConsentLevels, to output: inout ByteBuilder
    ) throws(OpenError) -> Int {
        var opened = 0
        var copiedTo = 0
        for span in spans where levels.contains(Int(span.level)) {
            let start = Int(span.start)
            let end = start + Int(span.length)
            guard start >= copiedTo, end <= json.count else { throw .malformed }
            output.append(UnsafeRawBufferPointer(rebasing: json[copiedTo..<start]))
            guard span.flags & ~SealedSpanValue.randomFlag == 0 else { throw .malformed }
            try appendOpened(
                UnsafeRawBufferPointer(rebasing: json[start..<end]), isRandom: span.isRandom,
                to: &output)
            copiedTo = end
            opened += 1
        }
        output.append(UnsafeRawBufferPointer(rebasing: json[copiedTo...]))
        return opened
    }

    func appendOpened(
        _ text: UnsafeRawBufferPointer, isRandom: Bool, to output: inout ByteBuilder
    ) throws(OpenError) {
        let opened = try opened(text, isRandom: isRandom)
        let escapedCount = JSONText.escapedCount(opened)
        let room = output.reserve(escapedCount)
        output.advance(
            JSONText.escape(
                opened, into: UnsafeMutableRawBufferPointer(start: room, count: escapedCount)))
    }

    /// The plaintext, valid until the next call of this opener.
    func opened(
        _ text: UnsafeRawBufferPointer, isRandom: Bool
    ) throws(OpenError) -> UnsafeRawBufferPointer {
        let capacity = FieldCipher.openedCountMax(text.count)
        let start = plaintext.reserve(capacity)
        let count = try cipher.open(
            text, isRandom: isRandom,
            into: UnsafeMutableRawBufferPointer(start: start, count: capacity))
        return UnsafeRawBufferPointer(start: start, count: count)
    }
}
