/// Some key links, asked for each header of a scan: one probe, as a rule, for an
/// event of another sequence.
///
/// Links are random, so their own bits are the hash. Immutable; 16 bytes a slot, at least two
/// slots a link.
package final class KeyLinkSet: Sendable {
    package let links: [KeyLink]
    private let slots: [KeyLink]
    private let mask: Int

    /// No link is all zeroes: its version bits are set.
    private static let empty = KeyLink(high: 0, low: 0)

    package init(_ links: some Sequence<KeyLink>) {
        let links = Set(links).subtracting([Self.empty]).sorted()
        var size = 4
        while size < 2 * links.count { size *= 2 }
        var slots = [KeyLink](repeating: Self.empty, count: size)
        for link in links {
            var at = Self.hash(link) & (size - 1)
            while slots[at] != Self.empty { at = (at + 1) & (size - 1) }
            slots[at] = link
        }
        self.links = links
        self.slots = slots
        mask = size - 1
    }

    package var isEmpty: Bool { links.isEmpty }

    /// The bits above the version, which are random.
    @inline(__always)
    private static func hash(_ link: KeyLink) -> Int {
        Int(truncatingIfNeeded: link.high >> 16)
    }

    @inline(__always)
    package func contains(_ link: KeyLink) -> Bool {
        var at = Self.hash(link) & mask
        while true {
            let slot = slots[at]
            if slot == link { return true }
            if slot == Self.empty { return false }
            at = (at + 1) & mask
        }
    }
}
