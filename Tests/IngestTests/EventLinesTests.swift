import Testing

@testable import Ingest

@Suite("Lines of a batch")
struct EventLinesTests {
    @Test(
        "are cut at LF and numbered as an editor does",
        arguments: [
            ("", []), ("\n", []), ("a", ["1a"]), ("a\n", ["1a"]), ("a\nb", ["1a", "2b"]),
            ("a\r\nb\r\n", ["1a\r", "2b\r"]), ("\n\na\n", ["3a"]), ("a\n \t\r\nb", ["1a", "3b"]),
            ("a\n\n", ["1a"]), (" a ", ["1 a "]),
        ])
    func cutting(text: String, expected: [String]) {
        let found = Array(text.utf8).withUnsafeBytes { bytes in
            var lines = EventLines(bytes)
            var found: [String] = []
            while let (number, line) = lines.next() {
                found.append("\(number)" + String(decoding: line, as: UTF8.self))
            }
            return found
        }
        #expect(found == expected)
    }
}
