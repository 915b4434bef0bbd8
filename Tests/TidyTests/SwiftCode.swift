/// A Swift source in which comments and the text of string literals are blanks, so that rules about
/// code do not stumble over words in prose. Lines keep their numbers; interpolations stay code.
struct SwiftCode {
    let text: [UInt8]
    /// Lines, from 1, on which there is a comment or a part of one.
    let commentLines: Set<Int>

    init(_ source: String) {
        var blanker = Blanker(source: Array(source.utf8))
        blanker.code(until: nil)
        text = blanker.output
        var line = 1
        var lines: Set<Int> = []
        var comments = blanker.comments[...]
        for (place, byte) in text.enumerated() {
            while let first = comments.first, first.upperBound <= place { comments.removeFirst() }
            if comments.first?.contains(place) == true { lines.insert(line) }
            if byte == 0x0A { line += 1 }
        }
        commentLines = lines
    }

    /// A word of code and the line, from 1, on which it stands. Dots, backticks, `@` and `#` belong
    /// to words, every other mark is a word of its own, and so is the end of a line. `try!` and `as!`
    /// are words, while `try !isOpen` is three.
    struct Token: Equatable {
        let text: String
        let line: Int
    }

    var tokens: [Token] {
        var result: [Token] = []
        var word: [UInt8] = []
        var line = 1
        func flush() {
            if !word.isEmpty {
                result.append(Token(text: String(decoding: word, as: UTF8.self), line: line))
            }
            word = []
        }
        for byte in text {
            if Self.isWord(byte) {
                word.append(byte)
                continue
            }
            if byte == 0x21, word.elementsEqual("try".utf8) || word.elementsEqual("as".utf8) {
                word.append(byte)
                flush()
                continue
            }
            flush()
            if byte == 0x0A {
                result.append(Token(text: "\n", line: line))
                line += 1
            } else if byte != 0x20, byte != 0x09, byte != 0x0D {
                result.append(Token(text: String(decoding: [byte], as: UTF8.self), line: line))
            }
        }
        flush()
        return result
    }

    var lines: [String] {
        text.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x60, 0x40, 0x23, 0x80...: true
        default: false
        }
    }
}

/// Copies a source with blanks for comments and strings.
private struct Blanker {
    let source: [UInt8]
    /// Always as long as what was read, so that places in it are places in the source.
    var output: [UInt8] = []
    var comments: [Range<Int>] = []
    var place = 0

    init(source: [UInt8]) { self.source = source }

    /// Code, up to the parenthesis that closes an interpolation, or to the end.
    mutating func code(until closing: UInt8?) {
        var depth = 0
        while place < source.count {
            let start = place
            if starts(with: "//") {
                while place < source.count, source[place] != 0x0A { blank() }
                comments.append(start..<place)
            } else if starts(with: "/*") {
                blockComment()
                comments.append(start..<place)
            } else if let hashes = stringStart() {
                string(hashes: hashes)
            } else if let hashes = regexStart() {
                regex(hashes: hashes)
            } else {
                let byte = source[place]
                if byte == 0x28 { depth += 1 }
                if byte == 0x29 {
                    if depth == 0, closing != nil { return }
                    depth -= 1
                }
                output.append(byte)
                place += 1
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && place < source.count
    }

    /// How many `#` stand before the quote that begins here; nil if no string begins here.
    private func stringStart() -> Int? {
        var end = place
        while end < source.count, source[end] == 0x23 { end += 1 }
        guard end < source.count, source[end] == 0x22 else { return nil }
        return end - place
    }

    /// How many `#` stand before the slash of the regex literal that begins here; nil if none does.
    /// A bare slash begins one where no operand stands before it and no space after it.
    private func regexStart() -> Int? {
        var end = place
        while end < source.count, source[end] == 0x23 { end += 1 }
        guard end + 1 < source.count, source[end] == 0x2F else { return nil }
        if end > place { return end - place }
        guard source[end + 1] != 0x20, source[end + 1] != 0x0A else { return nil }
        let before = output.last { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A }
        return before.map { Array("(,=:[{&|?;".utf8).contains($0) } ?? true ? 0 : nil
    }

    private mutating func regex(hashes: Int) {
        let pounds = String(repeating: "#", count: hashes)
        blank(hashes + 1)
        while place < source.count, !starts(with: "/" + pounds) {
            if source[place] == 0x0A, hashes == 0 { return }
            blank(starts(with: "\\") ? min(2, source.count - place) : 1)
        }
        blank(hashes + 1)
    }

    private mutating func string(hashes: Int) {
        let pounds = String(repeating: "#", count: hashes)
        blank(hashes)
        let isLong = starts(with: "\"\"\"")
        let quote = isLong ? "\"\"\"" : "\""
        output += Array(quote.utf8)
        place += quote.utf8.count
        while place < source.count {
            if starts(with: quote + pounds) {
                output += Array(quote.utf8)
                place += quote.utf8.count
                blank(hashes)
                return
            }
            if starts(with: "\\" + pounds + "(") {
                blank(1 + hashes)
                output.append(0x28)
                place += 1
                code(until: 0x29)
            } else if starts(with: "\\" + pounds) {
                blank(min(2 + hashes, source.count - place))
            } else if source[place] == 0x0A, !isLong {
                return
            } else {
                blank()
            }
        }
    }

    private func starts(with text: String) -> Bool {
        source[place...].starts(with: text.utf8)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where place < source.count {
            output.append(source[place] == 0x0A ? 0x0A : 0x20)
            place += 1
        }
    }
}
