/// Why a contract document or its schema is refused at registration. Shows parts of the document;
/// those are no personal data.
package struct ContractError: Error, Sendable, Equatable {
    /// RFC 6901 pointer into the contract document (its canonical form); "" is the whole document.
    package var pointer: String
    /// Stable slug.
    package var rule: String
    /// What was expected, one short clause for people.
    package var expected: String

    package init(pointer: String, rule: String, expected: String) {
        self.pointer = pointer
        self.rule = rule
        self.expected = expected
    }
}

extension ContractError: CustomStringConvertible {
    package var description: String {
        "\(pointer.isEmpty ? "document" : pointer) (\(rule)): expected \(expected)"
    }
}
