/// Says whether a leaf agrees with a filter, on the leaf's bytes: what is wanted is written once as a
/// leaf writes it, then compared. An entry that cannot be read agrees with every filter: an auditor
/// is shown too much rather than too little.
struct LeafMatcher {
    /// Each is one criterion with a bit of its own.
    private let wanted: [(key: [UInt8], value: [UInt8])]
    /// As leaves write them; empty: any act.
    private let acts: [[UInt8]]
    private let wantedElements: [(key: [UInt8], omitted: [UInt8], value: [UInt8])]
    /// Acts whose entries agree with any purpose.
    private let actsOfAllPurposes: [[UInt8]]
    private let all: UInt64

    /// The times of the filter are not looked at here: the order of the log answers them.
    init(_ filter: AuditFilter) {
        let names: [(String, String?)] = [
            ("act", filter.act?.rawValue), ("client", filter.client), ("stream", filter.stream),
            ("derivedStream", filter.derivedStream),
        ]
        wanted = names.compactMap { key, value in
            value.map { (Array(key.utf8), LeafText.string($0)) }
        }
        acts = filter.acts.map { LeafText.string($0.rawValue) }
        let elements: [(String, [UInt8]?)] = [
            ("fields", filter.field.map { LeafText.string($0) }),
            (Self.purposes, filter.purpose.map { Array(String($0).utf8) }),
        ]
        wantedElements = elements.compactMap { key, value in
            value.map { (Array(key.utf8), Array("\(key)Omitted".utf8), $0) }
        }
        actsOfAllPurposes =
            filter.purpose != nil && filter.isOpenToAllPurposes
            ? Act.ofAllPurposes.map { LeafText.string($0.rawValue) } : []
        let count = wanted.count + wantedElements.count + (acts.isEmpty ? 0 : 1)
        all = 1 << UInt64(count) - 1
    }

    private static let purposes = "purposes"
    private static let actKey = Array("act".utf8)

    func matches(_ leaf: UnsafeRawBufferPointer) -> Bool {
        guard all != 0 else { return true }
        var met: UInt64 = 0
        let isReadable = LeafScanner.forEachMember(of: leaf) { key, value in
            var bit: UInt64 = 1
            for (wantedKey, wantedValue) in wanted {
                if wantedKey.elementsEqual(key), wantedValue.elementsEqual(value) { met |= bit }
                bit <<= 1
            }
            for (listKey, omittedKey, wantedValue) in wantedElements {
                if listKey.elementsEqual(key) {
                    LeafScanner.forEachElement(of: value) {
                        if wantedValue.elementsEqual($0) { met |= bit }
                    }
                } else if omittedKey.elementsEqual(key) {
                    met |= bit
                }
                bit <<= 1
            }
            guard Self.actKey.elementsEqual(key) else { return met != all }
            if acts.contains(where: { $0.elementsEqual(value) }) { met |= bit }
            if actsOfAllPurposes.contains(where: { $0.elementsEqual(value) }) {
                // The purpose is the last of the lists.
                met |= bit >> 1
            }
            // What follows can change nothing.
            return met != all
        }
        return !isReadable || met == all
    }
}
