/// Writes HTML whose texts come from outside: nothing gets into the document but through `text`,
/// which leaves no character that means something to HTML.
struct HTMLText {
    private(set) var html = ""

    /// Markup of ours, from the source.
    mutating func raw(_ markup: StaticString) { html += "\(markup)" }

    /// Any text, as what it says.
    mutating func text(_ text: String) { html += Self.escaped(text) }

    mutating func element(_ name: StaticString, _ content: String) {
        html += "<\(name)>\(Self.escaped(content))</\(name)>\n"
    }

    mutating func table(_ headings: [String], _ rows: [[String]], empty: String = "None.") {
        guard !rows.isEmpty else { return element("p", empty) }
        html += "<table>\n<thead><tr>"
        for heading in headings { html += "<th scope=\"col\">\(Self.escaped(heading))</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for row in rows {
            html += "<tr>"
            for cell in row { html += "<td>\(Self.escaped(cell))</td>" }
            html += "</tr>\n"
        }
        html += "</tbody>\n</table>\n"
    }

    /// Control and direction characters are shown by their number, so that a name cannot look like
    /// another one.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse,
                    .unassigned:
                    result += "[U+\(String(scalar.value, radix: 16, uppercase: true))]"
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}
