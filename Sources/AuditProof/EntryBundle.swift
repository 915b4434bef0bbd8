/// Up to 256 consecutive entries in one file (C2SP tlog-tiles, `tile/entries/<N>`):
///
///     u16 big-endian: length of the entry │ the entry │ u16 │ entry │ …
package enum EntryBundle {
    /// What the length prefix can say.
    package static let entryByteCountMax = 65_535
    /// The largest file that a bundle can be.
    package static let byteCountMax = TilePath.fullWidth * (2 + entryByteCountMax)

    /// Appends one entry. Whoever makes entries has kept them within `entryByteCountMax`.
    package static func append(_ entry: UnsafeRawBufferPointer, to bundle: inout [UInt8]) {
        precondition(entry.count <= entryByteCountMax, "an entry of a log has at most 65,535 bytes")
        bundle.append(UInt8(truncatingIfNeeded: entry.count >> 8))
        bundle.append(UInt8(truncatingIfNeeded: entry.count))
        bundle.append(contentsOf: entry)
    }

    /// The entries of a bundle as far as they can be read.
    package struct Contents {
        package var entries: [ArraySlice<UInt8>]
        /// The bytes end inside an entry, or there are more than 256.
        package var isDamaged: Bool
    }

    /// Never reads beyond the bytes, whatever their length prefixes say.
    package static func contents(of bundle: [UInt8]) -> Contents {
        var result = Contents(entries: [], isDamaged: false)
        var place = 0
        while place < bundle.count {
            guard result.entries.count < TilePath.fullWidth, bundle.count - place >= 2 else {
                result.isDamaged = true
                break
            }
            let count = Int(bundle[place]) << 8 | Int(bundle[place + 1])
            let start = place + 2
            guard bundle.count - start >= count else {
                result.isDamaged = true
                break
            }
            result.entries.append(bundle[start..<start + count])
            place = start + count
        }
        return result
    }
}
