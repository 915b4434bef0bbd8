/// The name of one immutable file of a log, as C2SP tlog-tiles lays it out:
///
///     tile/<L>/<N>[.p/<W>]        hashes of the tree at level 8·L, indexes 256·N ... 256·N + W - 1
///     tile/entries/<N>[.p/<W>]    the entries with those indexes
///
/// L is decimal, 0 to 63. N is written in groups of three digits, all but the last with an `x`
/// before: 5 is `005`, 1234067 is `x001/x234/067`. W, 1 to 255, is there only if the tile is
/// partial; without it, the tile is 256 wide.
package struct TilePath: Hashable, Sendable, CustomStringConvertible {
    package enum Content: Hashable, Sendable {
        case hashes(level: Int)
        case entries
    }

    /// The width of a full tile, in hashes or entries.
    package static let fullWidth = 256
    /// Tile levels that a tree of up to 2^63 leaves can have.
    static let levelMax = 7

    package let content: Content
    /// Which tile of its level, counted from 0.
    package let index: UInt64
    /// 1 ... 256.
    package let width: Int

    package init(content: Content, index: UInt64, width: Int) {
        precondition(width >= 1 && width <= Self.fullWidth, "a tile is 1 to 256 wide")
        precondition(index < 1 << 55, "a log has fewer than 2^63 entries")
        self.content = content
        self.index = index
        self.width = width
    }

    /// Reads a path in its one canonical form; anything else, `..` and `%2e` included, gives nil.
    package init?(_ path: String) {
        guard path.utf8.count <= 64 else { return nil }
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard parts.popFirst() == "tile", let kind = parts.popFirst() else { return nil }
        let content: Content
        if kind == "entries" {
            content = .entries
        } else {
            guard let level = Int(kind), level >= 0, level <= 63 else { return nil }
            content = .hashes(level: level)
        }
        var width = Self.fullWidth
        if parts.count >= 2, let last = parts.dropLast().last, last.hasSuffix(".p") {
            guard let partial = parts.popLast(), let number = Int(partial), number >= 1,
                number < Self.fullWidth, let group = parts.popLast()
            else { return nil }
            width = number
            parts.append(group.dropLast(2))
        }
        var index: UInt64 = 0
        // Six groups fit in 64 bits; 2^55 tiles of 256 cover every tree, without overflow.
        guard !parts.isEmpty, parts.count <= 6 else { return nil }
        for part in parts {
            guard let group = UInt64(part.hasPrefix("x") ? part.dropFirst() : part), group < 1000
            else { return nil }
            index = index * 1000 + group
        }
        guard index < 1 << 55 else { return nil }
        self.init(content: content, index: index, width: width)
        // Every other spelling (signs, zeros, a missing x) writes itself differently.
        guard description == path else { return nil }
    }

    package var description: String {
        let folder =
            switch content {
            case .entries: "tile/entries/"
            case .hashes(let level): "tile/\(level)/"
            }
        let suffix = isFull ? "" : ".p/\(width)"
        return folder + Self.indexText(index) + suffix
    }

    package var isFull: Bool { width == Self.fullWidth }

    /// The level in the tree of the hashes that the tile holds; 0 for entries.
    package var treeLevel: Int {
        switch content {
        case .entries: 0
        case .hashes(let level): 8 * level
        }
    }

    /// Index, at `treeLevel`, of the tile's first hash or entry.
    package var firstIndex: UInt64 { index * UInt64(Self.fullWidth) }

    /// Whether a tree of that size has all hashes of this tile: perfect subtrees only.
    package func isCovered(bySize size: UInt64) -> Bool {
        guard treeLevel < 63 else { return false }
        return firstIndex + UInt64(width) <= size >> UInt64(treeLevel)
    }

    /// Tells the files of `TilePaths`, in their order. Stops at the first error of `body`.
    package static func forEach<Failure: Error>(
        size: UInt64, _ body: (TilePath) throws(Failure) -> Void
    ) throws(Failure) {
        for path in TilePaths(size: size) { try body(path) }
    }

    /// The tile of this level and index in a tree of that size; nil if the tree has none there.
    static func tile(_ content: Content, index: UInt64, size: UInt64) -> TilePath? {
        let level = if case .hashes(let level) = content { level } else { 0 }
        guard level <= levelMax else { return nil }
        let count = size >> UInt64(8 * level)
        guard index <= count / UInt64(fullWidth) else { return nil }
        let width = min(UInt64(fullWidth), count - index * UInt64(fullWidth))
        return width == 0 ? nil : TilePath(content: content, index: index, width: Int(width))
    }

    private static func indexText(_ index: UInt64) -> String {
        var groups = [digits(index % 1000)]
        var rest = index / 1000
        while rest > 0 {
            groups.append("x" + digits(rest % 1000))
            rest /= 1000
        }
        return groups.reversed().joined(separator: "/")
    }

    private static func digits(_ number: UInt64) -> String {
        let text = String(number)
        return String(repeating: "0", count: 3 - text.count) + text
    }
}
