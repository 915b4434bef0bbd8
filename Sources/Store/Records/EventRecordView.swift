package import Contracts

/// An event as it lies in the engine's memory: nothing is copied. Its pointers die when the visit
/// that lent it returns; being noncopyable, it cannot be kept by accident.
package struct EventRecordView: ~Copyable {
    package let offset: Offset
    private let record: UnsafeRawBufferPointer

    /// `record` has passed `EventRecord.fault`.
    init(offset: Offset, record: UnsafeRawBufferPointer) {
        self.offset = offset
        self.record = record
    }

    package var timestamp: Milliseconds { EventRecord.timestamp(of: record) }

    package var keyLink: KeyLink { EventRecord.keyLink(of: record) }

    package var consent: ConsentLevels {
        ConsentLevels(
            bits: UInt64(
                littleEndian: record.loadUnaligned(
                    fromByteOffset: EventRecord.consentOffset, as: UInt64.self)))
    }

    /// The catalog's number of the contract.
    package var contract: UInt32 {
        UInt32(
            littleEndian: record.loadUnaligned(
                fromByteOffset: EventRecord.contractOffset, as: UInt32.self))
    }

    package var spanCount: Int {
        Int(
            UInt16(
                littleEndian: record.loadUnaligned(
                    fromByteOffset: EventRecord.spanCountOffset, as: UInt16.self)))
    }

    /// `index` in 0..<spanCount; ascending by `start`.
    package func span(at index: Int) -> SealedSpan {
        precondition(index >= 0 && index < spanCount, "a span index is out of range")
        let place = EventRecord.headerCount + index * SealedSpan.byteCount
        return SealedSpan(
            start: UInt32(
                littleEndian: record.loadUnaligned(fromByteOffset: place, as: UInt32.self)),
            length: UInt32(
                littleEndian: record.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)),
            fieldIndex: UInt16(
                littleEndian: record.loadUnaligned(fromByteOffset: place + 8, as: UInt16.self)),
            level: record[place + 10], flags: record[place + 11])
    }

    /// The event in canonical JSON, its PII values sealed.
    package var json: UnsafeRawBufferPointer {
        let start = EventRecord.headerCount + spanCount * SealedSpan.byteCount
        return UnsafeRawBufferPointer(rebasing: record[start...])
    }

    /// Bytes of the whole record.
    package var byteCount: Int { record.count }
}
