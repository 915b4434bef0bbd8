package import Contracts

/// What sealing an event gave.
package struct SealedEvent {
    /// Bytes of JSON written.
    package let jsonCount: Int
    /// Where in that JSON the 13 digits of the timestamp stand.
    package let timestampDigitsAt: Int
    /// The sealed fields, ascending. Valid until the next call of `seal` on the same sealer.
    package let spans: UnsafeBufferPointer<SealedSpanValue>
}

/// Turns the canonical JSON of a validated event into what is stored: personal values sealed, the
/// fields of `strmMeta` that the server sets filled in.
///
/// Confined to one thread. Nothing is allocated in steady state; the plaintext that was unescaped
/// on the way is wiped at the end of its life.
///
/// `@exclusivity(unchecked)`: confined to one thread, and no property is read or written while a
/// mutating call on it runs; the run-time checks cost an event several hundredths of its time.
package final class EventSealer {
    /// The timestamps that have 13 digits: 2001-09-09 to 2286-11-20.
    private static let timestampRange: ClosedRange<Int64> = 1_000_000_000_000...9_999_999_999_999
    private static let timestampDigits = 13
    private static let nonceDigitsMax = 10
    private static let keyLinkCharacters = 36

    @exclusivity(unchecked) private var cipher = FieldCipher()
    @exclusivity(unchecked) private var plaintext = ScratchBuffer()
    @exclusivity(unchecked) private var nonces: RandomNonces
    /// Owned; grows to the most fields that an event had.
    @exclusivity(unchecked) private var sealedSpans: UnsafeMutableBufferPointer<SealedSpanValue>

    /// - Parameter randomness: fills buffers with random bytes, for the nonces of fields that are
    ///   sealed in the random mode.
    package init(randomness: @escaping RandomNonces.Fill = RandomNonces.fillFromSystem) {
        nonces = RandomNonces(randomness)
        sealedSpans = .allocate(capacity: 16)
    }

    deinit {
        sealedSpans.deallocate()
    }

    /// The most bytes that `seal` writes for this event.
    package func capacityNeeded(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<EventSpan>,
        billingId: UnsafeRawBufferPointer
    ) -> Int {
        var count = json.count
        for span in spans {
            switch span.kind {
            case .pii:
                let length = Int(span.length)
                count += FieldCipher.sealedCount(length, isRandom: span.isRandom) - length
            case .nonce: count += Self.nonceDigitsMax
            case .timestamp: count += Self.timestampDigits
            case .keyLink: count += Self.keyLinkCharacters + 2
            case .billingId: count += JSONText.escapedCount(billingId) + 2
            }
        }
        return count
    }

    /// Seals every personal value under one data key and fills the insertion points.
    ///
    /// - Parameters:
    ///   - spans: ascending, inside `json`, with one timestamp.
    ///   - key: the 64 bytes of the data key.
    ///   - nonce: its sign bit is ignored.
    ///   - timestamp: ms since 1970; forced into the range that has 13 digits.
    ///   - keyLink: 36 characters.
    ///   - billingId: raw UTF-8.
    ///   - output: room for `capacityNeeded` bytes.
    package func seal(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<EventSpan>,
        key: UnsafeRawBufferPointer, keyID: UInt32, nonce: Int32, timestamp: Int64,
        keyLink: UnsafeRawBufferPointer, billingId: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> SealedEvent {
        precondition(keyLink.count == Self.keyLinkCharacters, "a key link has 36 characters")
        cipher.setKey(key, keyID: keyID)
        var writer = BoundedWriter(output)
        var sealedCount = 0
        var copiedTo = 0
        var timestampAt: Int?
        for span in spans {
            let start = Int(span.start)
            precondition(start >= copiedTo, "spans must ascend")
            writer.write(UnsafeRawBufferPointer(rebasing: json[copiedTo..<start]))
            copiedTo = start + Int(span.length)
            switch span.kind {
            case .pii:
                let value = UnsafeRawBufferPointer(rebasing: json[start..<copiedTo])
                let place = writer.count
                writer.advance(seal(value, span, into: writer.rest))
                note(
                    SealedSpanValue(
                        start: UInt32(place), length: UInt32(writer.count - place),
                        fieldIndex: span.fieldIndex, level: span.level,
                        flags: span.isRandom ? SealedSpanValue.randomFlag : 0),
                    at: sealedCount)
                sealedCount += 1
            case .nonce:
                writer.write(decimal: UInt64(UInt32(bitPattern: nonce) & 0x7FFF_FFFF))
            case .timestamp:
                timestampAt = writer.count
                let clamped = min(
                    max(timestamp, Self.timestampRange.lowerBound), Self.timestampRange.upperBound)
                writer.write(decimal: UInt64(clamped))
            case .keyLink:
                writer.write(byte: UInt8(ascii: "\""))
                writer.write(keyLink)
                writer.write(byte: UInt8(ascii: "\""))
            case .billingId:
                writer.write(byte: UInt8(ascii: "\""))
                precondition(
                    writer.rest.count >= JSONText.escapedCount(billingId), "no room for the event")
                writer.advance(JSONText.escape(billingId, into: writer.rest))
                writer.write(byte: UInt8(ascii: "\""))
            }
        }
        writer.write(UnsafeRawBufferPointer(rebasing: json[copiedTo...]))
        guard let timestampAt else { preconditionFailure("an event has a timestamp") }
        return SealedEvent(
            jsonCount: writer.count, timestampDigitsAt: timestampAt,
            spans: UnsafeBufferPointer(rebasing: sealedSpans[0..<sealedCount]))
    }

    private func seal(
        _ value: UnsafeRawBufferPointer, _ span: EventSpan,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard span.isEscaped else { return seal(value, isRandom: span.isRandom, into: output) }
        let room = UnsafeMutableRawBufferPointer(
            start: plaintext.reserve(value.count), count: value.count)
        let count = JSONText.unescape(value, into: room)
        return seal(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[0..<count]),
            isRandom: span.isRandom, into: output)
    }

    @inline(__always)
    private func seal(
        _ value: UnsafeRawBufferPointer, isRandom: Bool,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard isRandom else { return cipher.seal(value, into: output) }
        return cipher.seal(value, nonce: nonces.next(), into: output)
    }

    private func note(_ span: SealedSpanValue, at index: Int) {
        if index == sealedSpans.count {
            let larger = UnsafeMutableBufferPointer<SealedSpanValue>.allocate(
                capacity: index * 2)
            _ = larger.initialize(from: sealedSpans)
            sealedSpans.deallocate()
            sealedSpans = larger
        }
        sealedSpans.initializeElement(at: index, to: span)
    }
}

/// Writes into a fixed room and refuses to pass its end.
private struct BoundedWriter {
    private let output: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ output: UnsafeMutableRawBufferPointer) {
        self.output = output
    }

    var rest: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: output[count...])
    }

    mutating func advance(_ written: Int) {
        count += written
    }

    mutating func write(byte: UInt8) {
        precondition(count < output.count, "no room for the event")
        output[count] = byte
        count += 1
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        precondition(output.count - count >= bytes.count, "no room for the event")
        guard let source = bytes.baseAddress, let target = output.baseAddress else { return }
        (target + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func write(decimal value: UInt64) {
        var digits = 1
        var bound: UInt64 = 10
        // 13 digits at most, so the bound cannot overflow.
        while value >= bound {
            digits += 1
            bound *= 10
        }
        precondition(output.count - count >= digits, "no room for the event")
        var left = value
        var place = count + digits - 1
        while place >= count {
            output[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
            left /= 10
            place -= 1
        }
        count += digits
    }
}
