package import Store

/// Of which sequences one entry of the audit log handed out fields: what is kept beside its leaf.
/// It holds key links and counts, never a value, and no person.
///
/// As bytes, integers big-endian:
/// ```
/// version u8 = 1 │ purpose bytes u8 │ field bytes u8 │ hashed bytes u8        each 0...8
/// number of hashed fields u16 │ each: length u16, path in UTF-8
/// number of rows u32 │ rows, ascending by key link, none twice:
///     key link 16
///     purposes            purpose bytes     bits over the entry's `purposes`
///     fields              field bytes       bits over the entry's `fields`: opened
///     events u32          only if there are field bytes: events of the link with an opened field
///     hashed              hashed bytes      bits over the hashed fields above
///     hashed events u32   only if there are hashed bytes: events with a hashed field
/// ```
/// The lowest bit is the first of a list. A list of more than 64 is told by all bits: some of its
/// fields.
package struct Disclosures: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var link: KeyLink
        /// Bits over the entry's purposes.
        package var purposes: UInt64 = 0
        /// Bits over the entry's fields: those of which a value left in clear. 0 for a data key,
        /// which opens them all.
        package var opened: UInt64 = 0
        /// Events of which a field left in clear.
        package var events: UInt32 = 0
        /// Bits over `hashedFields`: those of which a value left as a hash.
        package var hashed: UInt64 = 0
        package var hashedEvents: UInt32 = 0

        package init(link: KeyLink) { self.link = link }
    }

    /// Fields of which hashes of values were handed out, sorted. Cut after 65,535.
    package var hashedFields: [String]
    /// Ascending by link, none twice.
    package var rows: [Row]

    package static let maskWidthMax = 64
    private static let version: UInt8 = 1

    /// - Parameter rows: in any order, no link twice.
    package init(hashedFields: [String] = [], rows: [Row]) {
        self.hashedFields = Array(hashedFields.prefix(Int(UInt16.max)))
        self.rows = rows.sorted { $0.link < $1.link }
    }

    package var bytes: [UInt8] {
        let widths = (
            Self.byteCount(rows.reduce(0) { $0 | $1.purposes }),
            Self.byteCount(rows.reduce(0) { $0 | $1.opened }),
            Self.byteCount(rows.reduce(0) { $0 | $1.hashed })
        )
        var bytes: [UInt8] = [Self.version, UInt8(widths.0), UInt8(widths.1), UInt8(widths.2)]
        bytes.reserveCapacity(64 + rows.count * (16 + widths.0 + widths.1 + widths.2 + 8))
        Self.append(UInt64(hashedFields.count), 2, to: &bytes)
        for field in hashedFields {
            let text = field.utf8.prefix(Int(UInt16.max))
            Self.append(UInt64(text.count), 2, to: &bytes)
            bytes += text
        }
        Self.append(UInt64(rows.count), 4, to: &bytes)
        for row in rows {
            Self.append(row.link.high, 8, to: &bytes)
            Self.append(row.link.low, 8, to: &bytes)
            Self.append(row.purposes, widths.0, to: &bytes)
            Self.append(row.opened, widths.1, to: &bytes)
            if widths.1 > 0 { Self.append(UInt64(row.events), 4, to: &bytes) }
            Self.append(row.hashed, widths.2, to: &bytes)
            if widths.2 > 0 { Self.append(UInt64(row.hashedEvents), 4, to: &bytes) }
        }
        return bytes
    }

    /// nil for anything but the bytes above.
    package init?(_ bytes: [UInt8]) {
        let read = bytes.withUnsafeBytes { bytes in
            DisclosureBytes(bytes).map { view in
                (view.hashedFields, (0..<view.count).map { view.row(at: $0) })
            }
        }
        guard let read else { return nil }
        (hashedFields, rows) = read
        guard zip(rows, rows.dropFirst()).allSatisfy({ $0.link < $1.link }) else { return nil }
    }

    private static func byteCount(_ mask: UInt64) -> Int { (71 - mask.leadingZeroBitCount) / 8 }

    private static func append(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for place in stride(from: 8 * (count - 1), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(place)))
        }
    }
}

/// The bytes of disclosures, read in place: a question about one person looks at few of the rows.
/// Valid as long as the bytes are.
struct DisclosureBytes {
    let count: Int
    private let bytes: UnsafeRawBufferPointer
    private let hashedCount: Int
    private let widths: (purposes: Int, fields: Int, hashed: Int)
    private let start: Int
    private let rowBytes: Int

    init?(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        guard bytes.count >= 10, bytes[0] == 1, bytes[1...3].allSatisfy({ $0 <= 8 }) else {
            return nil
        }
        widths = (Int(bytes[1]), Int(bytes[2]), Int(bytes[3]))
        hashedCount = Int(Self.number(bytes, 4, 2))
        var place = Self.firstField
        for _ in 0..<hashedCount {
            guard place + 2 <= bytes.count else { return nil }
            place += 2 + Int(Self.number(bytes, place, 2))
            guard place <= bytes.count else { return nil }
        }
        guard place + 4 <= bytes.count else { return nil }
        count = Int(Self.number(bytes, place, 4))
        start = place + 4
        rowBytes =
            16 + widths.purposes + widths.fields + (widths.fields > 0 ? 4 : 0) + widths.hashed
            + (widths.hashed > 0 ? 4 : 0)
        guard bytes.count - start == count * rowBytes else { return nil }
    }

    private static let firstField = 6

    var hashedFields: [String] {
        var fields: [String] = []
        var place = Self.firstField
        for _ in 0..<hashedCount {
            let end = place + 2 + Int(Self.number(bytes, place, 2))
            fields.append(String(decoding: bytes[(place + 2)..<end], as: UTF8.self))
            place = end
        }
        return fields
    }

    func link(at index: Int) -> KeyLink {
        let place = start + index * rowBytes
        return KeyLink(
            high: Self.number(bytes, place, 8), low: Self.number(bytes, place + 8, 8))
    }

    func row(at index: Int) -> Disclosures.Row {
        var row = Disclosures.Row(link: link(at: index))
        var place = start + index * rowBytes + 16
        func next(_ count: Int) -> UInt64 {
            defer { place += count }
            return Self.number(bytes, place, count)
        }
        row.purposes = next(widths.purposes)
        row.opened = next(widths.fields)
        if widths.fields > 0 { row.events = UInt32(next(4)) }
        row.hashed = next(widths.hashed)
        if widths.hashed > 0 { row.hashedEvents = UInt32(next(4)) }
        return row
    }

    /// The row of a link, by halving.
    func row(of link: KeyLink) -> Disclosures.Row? {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if self.link(at: middle) < link { low = middle + 1 } else { high = middle }
        }
        return low < count && self.link(at: low) == link ? row(at: low) : nil
    }

    private static func number(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int
    ) -> UInt64 {
        if count == 8 {
            return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        var number: UInt64 = 0
        for place in start..<(start + count) { number = number << 8 | UInt64(bytes[place]) }
        return number
    }
}
