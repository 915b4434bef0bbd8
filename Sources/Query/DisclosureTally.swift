import Audit
import Contracts
import Store

/// Counts for a page which fields of which sequences leave. A few words of memory for each sequence;
/// an event of the sequence of the one before costs a comparison and three additions.
struct DisclosureTally {
    /// Names that were met, in this order, each with its bit.
    struct Names<Name: Hashable & Comparable> {
        private(set) var all: [Name] = []

        /// 0 from the sixty-fifth name on.
        mutating func bit(of name: Name) -> UInt64 {
            let index: Int
            if let known = all.firstIndex(of: name) {
                index = known
            } else {
                index = all.count
                all.append(name)
            }
            return index < Disclosures.maskWidthMax ? 1 << UInt64(index) : 0
        }

        /// For each bit its place among the names in order; nil: there are more than bits.
        var places: [Int]? {
            guard all.count <= Disclosures.maskWidthMax else { return nil }
            let sorted = all.sorted()
            return all.map { name in sorted.firstIndex(of: name) ?? 0 }
        }
    }

    /// In the order in which an entry names them (`AuditEntry.name`).
    var openedNames = Names<OpenedField>()
    /// Paths: two contracts may have one of the same path.
    var hashedNames = Names<String>()

    private var rows: [Disclosures.Row] = []
    private var places: [KeyLink: Int] = [:]
    private var last: KeyLink?
    private var current = 0

    /// Sequences that were met.
    var count: Int { rows.count }

    /// Notes one event.
    /// - Parameters:
    ///   - levels: of the values that were opened or hashed.
    ///   - opened: bits of `openedNames`; `isOpened` is true also if there were none left.
    mutating func add(
        _ link: KeyLink, levels: UInt64, opened: UInt64, isOpened: Bool, hashed: UInt64 = 0,
        isHashed: Bool = false
    ) {
        if link != last { find(link) }
        rows[current].purposes |= levels
        rows[current].opened |= opened
        rows[current].hashed |= hashed
        if isOpened { rows[current].events &+= 1 }
        if isHashed { rows[current].hashedEvents &+= 1 }
    }

    private mutating func find(_ link: KeyLink) {
        last = link
        if let known = places[link] {
            current = known
        } else {
            current = rows.count
            places[link] = current
            rows.append(Disclosures.Row(link: link))
        }
    }

    /// For the entry whose lists are the sorted names and levels.
    func disclosures(levels: [Int]) -> Disclosures {
        let (opened, hashed) = (openedNames.places, hashedNames.places)
        let purposes = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, $0) })
        let told = rows.compactMap { row -> Disclosures.Row? in
            guard row.events > 0 || row.hashedEvents > 0 else { return nil }
            var told = row
            told.purposes = Self.moved(row.purposes) { purposes[$0] ?? 0 }
            told.opened =
                opened.map { places in Self.moved(row.opened) { places[$0] } }
                ?? (row.events > 0 ? .max : 0)
            told.hashed =
                hashed.map { places in Self.moved(row.hashed) { places[$0] } }
                ?? (row.hashedEvents > 0 ? .max : 0)
            return told
        }
        return Disclosures(hashedFields: hashedNames.all.sorted(), rows: told)
    }

    private static func moved(_ mask: UInt64, _ place: (Int) -> Int) -> UInt64 {
        var rest = mask
        var result: UInt64 = 0
        while rest != 0 {
            result |= 1 << UInt64(place(rest.trailingZeroBitCount))
            rest &= rest - 1
        }
        return result
    }
}
