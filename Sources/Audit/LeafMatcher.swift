/// Says whether a leaf agrees with a filter, on the leaf's bytes: what is wanted is written once as a
/// leaf writes it, then compared. An entry that cannot be read agrees with every filter: an auditor
/// is shown too much rather than too little.
struct LeafMatcher {
    private let wanted: [(key: [UInt8], value: [UInt8])]
    /// As leaves write them; empty: any act.
    private let acts: [[UInt8]]
    private let wantedElements: [(key: [UInt8], omitted: [UInt8], value: [UInt8])]

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
            ("purposes", filter.purpose.map { Array(String($0).utf8) }),
        ]
        wantedElements = elements.compactMap { key, value in
            value.map { (Array(key.utf8), Array("\(key)Omitted".utf8), $0) }
        }
    }

    private static let actKey = Array("act".utf8)

    func matches(_ leaf: UnsafeRawBufferPointer) -> Bool {
        if wanted.isEmpty, wantedElements.isEmpty, acts.isEmpty { return true }
        var missing = wanted.count + wantedElements.count + (acts.isEmpty ? 0 : 1)
        let isReadable = LeafScanner.forEachMember(of: leaf) { key, value in
            for (wantedKey, wantedValue) in wanted
            where wantedKey.elementsEqual(key) && wantedValue.elementsEqual(value) {
                missing -= 1
            }
            if !acts.isEmpty, Self.actKey.elementsEqual(key),
                acts.contains(where: { $0.elementsEqual(value) })
            {
                missing -= 1
            }
            for (listKey, omittedKey, wantedValue) in wantedElements {
                if listKey.elementsEqual(key) {
                    var isFound = false
                    LeafScanner.forEachElement(of: value) {
                        if wantedValue.elementsEqual($0) { isFound = true }
                    }
                    if isFound { missing -= 1 }
                } else if omittedKey.elementsEqual(key) {
                    missing -= 1
                }
            }
        }
        return !isReadable || missing <= 0
    }
}
