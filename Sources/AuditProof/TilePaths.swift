/// Every file that represents a tree of a size, without the checkpoint, in the order of the levels:
/// entries first, then hashes.
///
/// Made one at a time. The size is what a checkpoint says, up to 2^63 - 1, and whoever signs
/// checkpoints chooses it: a list of all files of such a tree would fit in no memory.
package struct TilePaths: Sequence, IteratorProtocol, Sendable {
    private let size: UInt64
    /// Level of the tiles that are told now; -1: the entries.
    private var level = -1
    private var index: UInt64 = 0

    /// - Parameter size: below 2^63, as in every checkpoint.
    package init(size: UInt64) { self.size = size }

    package mutating func next() -> TilePath? {
        while level <= TilePath.levelMax {
            if let path = TilePath.tile(Self.content(level), index: index, size: size) {
                index += 1
                return path
            }
            level += 1
            index = 0
        }
        return nil
    }

    /// The files that are not full, which a larger tree does not have: one a level at most.
    package var partial: [TilePath] {
        (-1...TilePath.levelMax).compactMap { level in
            // `Swift.`: a sequence has a `max` of its own.
            let count = size >> UInt64(8 * Swift.max(level, 0))
            let last = count / UInt64(TilePath.fullWidth)
            return TilePath.tile(Self.content(level), index: last, size: size)
        }
    }

    private static func content(_ level: Int) -> TilePath.Content {
        level < 0 ? .entries : .hashes(level: level)
    }
}
