/// All forms of all markers, in one pass over the bytes (Wu and Manber, 1994: where three bytes
/// begin or end nothing that is looked for, the search jumps).
///
/// Of a marker three pieces of 12 bytes are looked for, each in all forms: what a compressor cuts in
/// one place is found by another piece. 12 random characters have 71 bits, so none is there by chance.
package struct LeakPatterns: Sendable {
    static let pieceBytes = 12
    private static let piecesMax = 3
    private static let tableMask = 0xFFFF

    struct Match {
        /// Index of the marker.
        var marker: Int
        var form: LeakForm
        /// Where it begins in the bytes.
        var start: Int
        var end: Int
    }

    private struct Pattern {
        var bytes: [UInt8]
        var marker: Int
        var form: LeakForm
    }

    let markers: [LeakMarker]
    /// The longest text that is looked for: windows overlap by one byte less.
    let lengthMax: Int
    private let patterns: [Pattern]
    /// By the hash of three bytes: how far the search may jump; 0 where a pattern's first 12 bytes
    /// may end.
    private let jumps: [UInt8]
    /// By the same hash: the first pattern, or -1; and for each pattern the next.
    private let heads: [Int32]
    private let nexts: [Int32]

    /// - Parameter markers: each of 12 bytes at least.
    package init(_ markers: [LeakMarker]) {
        self.markers = markers
        var patterns: [Pattern] = []
        for (index, marker) in markers.enumerated() {
            for piece in Self.pieces(marker.bytes) {
                for form in LeakForm.allCases {
                    patterns += form.texts(of: piece).map {
                        Pattern(bytes: $0, marker: index, form: form)
                    }
                }
            }
        }
        var jumps = [UInt8](repeating: UInt8(Self.pieceBytes - 2), count: Self.tableMask + 1)
        var heads = [Int32](repeating: -1, count: Self.tableMask + 1)
        var nexts = [Int32](repeating: -1, count: patterns.count)
        for (index, pattern) in patterns.enumerated() {
            for last in 2..<Self.pieceBytes {
                let hash = Self.hash(
                    pattern.bytes[last - 2], pattern.bytes[last - 1], pattern.bytes[last])
                jumps[hash] = min(jumps[hash], UInt8(Self.pieceBytes - 1 - last))
                guard last == Self.pieceBytes - 1 else { continue }
                nexts[index] = heads[hash]
                heads[hash] = Int32(index)
            }
        }
        (self.patterns, self.jumps, self.heads, self.nexts) = (patterns, jumps, heads, nexts)
        lengthMax = patterns.map(\.bytes.count).max() ?? Self.pieceBytes
    }

    private static func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
        precondition(bytes.count >= pieceBytes, "a marker has twelve bytes at least")
        let count = min(piecesMax, bytes.count / pieceBytes)
        // From the end: tokens and keys of others begin alike.
        return (0..<count).map { index in
            let end = bytes.count - index * pieceBytes
            return Array(bytes[end - pieceBytes..<end])
        }
    }

    @inline(__always)
    private static func hash(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Int {
        (Int(first) << 8 ^ Int(second) << 5 ^ Int(third)) & tableMask
    }

    /// Calls `found` for each place, in order. Linear in the bytes for all practical input.
    func search(_ bytes: UnsafeRawBufferPointer, _ found: (Match) -> Void) {
        guard let base = bytes.baseAddress, bytes.count >= Self.pieceBytes else { return }
        let start = base.assumingMemoryBound(to: UInt8.self)
        let count = bytes.count
        jumps.withUnsafeBufferPointer { table in
            guard let jumps = table.baseAddress else { return }
            var last = Self.pieceBytes - 1
            while last < count {
                let hash =
                    (Int(start[last - 2]) << 8 ^ Int(start[last - 1]) << 5 ^ Int(start[last]))
                    & Self.tableMask
                let jump = jumps[hash]
                if jump > 0 {
                    last &+= Int(jump)
                } else {
                    compare(start + (last - (Self.pieceBytes - 1)), hash, bytes, found)
                    last &+= 1
                }
            }
        }
    }

    private func compare(
        _ place: UnsafePointer<UInt8>, _ hash: Int, _ bytes: UnsafeRawBufferPointer,
        _ found: (Match) -> Void
    ) {
        guard let base = bytes.baseAddress else { return }
        let start = UnsafeRawPointer(place) - base
        var index = Int(heads[hash])
        while index >= 0 {
            let pattern = patterns[index]
            let end = start + pattern.bytes.count
            if end <= bytes.count,
                bytes[start..<end].elementsEqual(pattern.bytes)
            {
                found(Match(marker: pattern.marker, form: pattern.form, start: start, end: end))
            }
            index = Int(nexts[index])
        }
    }
}
