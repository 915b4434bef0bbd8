/// Cuts a batch body (JSON lines) into lines without copying.
///
/// Lines end with LF or CR LF; the last one may lack its end. Blank lines count in the numbering,
/// so that a number in an answer is the one that an editor shows, but are not given.
struct EventLines {
    private let body: UnsafeRawBufferPointer
    private var position = 0
    private var line = 0

    init(_ body: UnsafeRawBufferPointer) {
        self.body = body
    }

    /// The next line that is not blank, with its number from 1; nil at the end.
    mutating func next() -> (number: Int, bytes: UnsafeRawBufferPointer)? {
        while position < body.count {
            line += 1
            let start = position
            let rest = UnsafeRawBufferPointer(rebasing: body[start...])
            let length = rest.firstIndex(of: 0x0A) ?? rest.count
            position = start + min(length + 1, rest.count)
            let bytes = UnsafeRawBufferPointer(rebasing: rest[..<length])
            if !Self.isBlank(bytes) { return (line, bytes) }
        }
        return nil
    }

    private static func isBlank(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }
}
