/// Rows in columns, as wide as their widest cell, for a person to read.
struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: [String]) {
        self.headings = headings
    }

    /// `cells` has one entry for each heading. Control characters are shown as dots: what a
    /// server answers must not move the cursor of the terminal it is printed on.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == headings.count, "a row has one cell for each heading")
        rows.append(cells.map(Self.printable))
    }

    /// Lines without the last newline. A table without rows is its headings only.
    var text: String {
        let titles = headings.map { Self.words($0).uppercased() }
        let widths = headings.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            var text = ""
            for (column, cell) in cells.enumerated() {
                text += cell
                guard column < cells.count - 1 else { break }
                text += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        return ([titles] + rows).map(line).joined(separator: "\n")
    }

    /// Names on the left, values on the right, no headings: one thing and its properties.
    static func card(_ pairs: [(String, String)]) -> String {
        let width = pairs.map(\.0.count).max() ?? 0
        return pairs.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + printable(value)
        }.joined(separator: "\n")
    }

    /// The words of a member's name: `retentionDays` is "retention days".
    static func words(_ name: String) -> String {
        var words = ""
        for character in name {
            if character.isUppercase, let last = words.last, last.isLowercase { words += " " }
            words += character.lowercased()
        }
        return words
    }

    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    return isControl ? "·" : scalar
                }))
    }
}
