/// Looks through one run of bytes that comes piece by piece, of any length, with bounded memory: what
/// stands across the border of two pieces is found too, and once.
struct LeakScanner {
    struct Key: Hashable {
        var marker: Int
        var form: LeakForm
    }

    private let patterns: LeakPatterns
    /// The end of what came before, one byte shorter than the longest text.
    private var tail: [UInt8] = []
    /// Bytes before `tail`.
    private var position = 0
    /// The first place of each, counted from the beginning.
    private(set) var found: [Key: Int] = [:]
    private(set) var bytes = 0

    init(_ patterns: LeakPatterns) { self.patterns = patterns }

    mutating func feed(_ piece: UnsafeRawBufferPointer) {
        bytes += piece.count
        let window = tail + piece
        let known = tail.count
        var fresh: [(Key, Int)] = []
        window.withUnsafeBytes { window in
            patterns.search(window) { match in
                // What ends in the part that came before was found there.
                guard match.end > known else { return }
                fresh.append((Key(marker: match.marker, form: match.form), match.start))
            }
        }
        for (key, start) in fresh where found[key] == nil { found[key] = position + start }
        let kept = min(window.count, patterns.lengthMax - 1)
        position += window.count - kept
        tail = Array(window.suffix(kept))
    }

    mutating func feed(_ piece: [UInt8]) {
        piece.withUnsafeBytes { feed($0) }
    }
}
