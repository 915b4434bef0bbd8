/// Whether bytes are an entry of an audit log and can be read in one way only: one line of printable
/// ASCII, a JSON object without white space between its tokens whose members begin with `n`, `at`
/// and `act`, no name twice in any object and none with an escape. Whoever holds the key of a log
/// could sign anything else, and two readers could take it for different things.
struct EntryShape {
    /// Deeper, and more of them in one object, than in any entry.
    private static let depthMax = 8
    private static let namesMax = 1_024
    private static let digitsMax = 20

    private let text: UnsafeRawBufferPointer
    private var place = 0

    static func holds(for entry: ArraySlice<UInt8>) -> Bool {
        guard let header = LeafHeader(entry),
            entry.dropFirst(header.byteCount).starts(with: act),
            entry.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return false }
        return entry.withUnsafeBytes { bytes in
            var shape = EntryShape(text: bytes)
            return shape.reads(.object, depth: 0) && shape.place == bytes.count
        }
    }

    private static let act = Array(#","act":""#.utf8)

    private enum Kind { case object, array }

    private init(text: UnsafeRawBufferPointer) { self.text = text }

    private var next: UInt8? { place < text.count ? text[place] : nil }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func readsValue(depth: Int) -> Bool {
        guard let first = next else { return false }
        switch first {
        case 0x22: return string() != nil
        case 0x7B: return reads(.object, depth: depth)
        case 0x5B: return reads(.array, depth: depth)
        case 0x2D, 0x30...0x39: return readsNumber()
        default:
            for word in ["true", "false", "null"] where readsWord(word) { return true }
            return false
        }
    }

    private mutating func reads(_ kind: Kind, depth: Int) -> Bool {
        guard depth < Self.depthMax, takes(kind == .object ? 0x7B : 0x5B) else { return false }
        let end: UInt8 = kind == .object ? 0x7D : 0x5D
        if takes(end) { return true }
        var names: [Range<Int>] = []
        repeat {
            if kind == .object {
                guard let name = string(), takes(0x3A), names.count < Self.namesMax,
                    !text[name].contains(0x5C),
                    !names.contains(where: { text[$0].elementsEqual(text[name]) })
                else { return false }
                names.append(name)
            }
            guard readsValue(depth: depth + 1) else { return false }
        } while takes(0x2C)
        return takes(end)
    }

    /// The place of what stands between the quotes.
    private mutating func string() -> Range<Int>? {
        guard takes(0x22) else { return nil }
        let start = place
        while let byte = next {
            place += 1
            if byte == 0x22 { return start..<place - 1 }
            guard byte == 0x5C else { continue }
            guard let escape = next else { return nil }
            place += 1
            switch escape {
            case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: continue
            case 0x75:
                for _ in 0..<4 {
                    guard let digit = next, Self.isHexadecimal(digit) else { return nil }
                    place += 1
                }
            default: return nil
            }
        }
        return nil
    }

    /// Whole numbers are all that an entry holds.
    private mutating func readsNumber() -> Bool {
        _ = takes(0x2D)
        let start = place
        while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
        let count = place - start
        return count == 1 || (count > 0 && count <= Self.digitsMax && text[start] != 0x30)
    }

    private mutating func readsWord(_ word: String) -> Bool {
        let bytes = word.utf8
        guard text.count - place >= bytes.count,
            text[place..<place + bytes.count].elementsEqual(bytes)
        else { return false }
        place += bytes.count
        return true
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte)
            || (0x61...0x66).contains(byte)
    }
}
