import Foundation

/// An RFC 9457 problem document, as the server answers it.
struct Problem: Codable, Sendable {
    var type: String?
    var title: String?
    var status: Int?
    var detail: String?
    var pointer: String?
    var rule: String?
    var expected: String?
    /// A contract's validation, and what its author tells the sender.
    var ruleId: String?
    var message: String?
    /// The name of an OAuth 2.0 error (RFC 6749 §5.2), which is not a problem document.
    var error: String?
    var errorDescription: String?

    enum CodingKeys: String, CodingKey {
        case type, title, status, detail, pointer, rule, expected, ruleId, message, error
        case errorDescription = "error_description"
    }

    /// One line: what is wrong, where, and what was expected.
    var summary: String {
        var parts: [String] = []
        if let text = detail ?? title ?? errorDescription ?? error { parts.append(text) }
        if let pointer, !pointer.isEmpty { parts.append("at \(pointer)") }
        // Some details say it already.
        if let expected, !expected.isEmpty, detail?.contains(expected) != true {
            parts.append("expected \(expected)")
        }
        if let ruleId { parts.append("rule \(ruleId)\(message.map { ": \($0)" } ?? "")") }
        return parts.isEmpty ? "no reason given" : parts.joined(separator: ", ")
    }

    static func type(body: some Sequence<UInt8>) -> String? {
        (try? JSONDecoder().decode(Problem.self, from: Data(body)))?.type
    }

    static func summary(status: Int, body: some Sequence<UInt8>) -> String {
        if let problem = try? JSONDecoder().decode(Problem.self, from: Data(body)) {
            return problem.summary
        }
        return "status \(status)"
    }
}
