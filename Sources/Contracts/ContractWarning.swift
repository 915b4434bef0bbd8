/// What a reviewer of a contract should know before approving it. Shows parts of the document; those
/// are no personal data.
package struct ContractWarning: Sendable, Equatable {
    /// RFC 6901 pointer into the contract document.
    package var pointer: String
    /// Stable slug.
    package var rule: String
    /// One or two sentences for people.
    package var text: String

    package init(pointer: String, rule: String, text: String) {
        self.pointer = pointer
        self.rule = rule
        self.text = text
    }
}

extension ContractWarning {
    /// Deterministic sealing hides what a value is, not how often it occurs: of a field with a few
    /// known values that is often enough to tell them.
    ///
    /// - Parameters:
    ///   - fields: the personal fields, in the order of their indexes.
    ///   - enumerated: indexes of those whose values are an enumeration.
    static func frequencyLeaks(
        _ fields: [ContractDocument.FieldRule], enumerated: Set<Int>
    ) -> [ContractWarning] {
        enumerated.sorted().filter { fields[$0].sealing == .deterministic }.map { index in
            ContractWarning(
                pointer: fields[index].pointer, rule: "frequency-leak",
                text: "The field \(fields[index].path) has few possible values, and equal values "
                    + "stay equal within a sequence when they are sealed, so their frequencies "
                    + "can tell them. Use sealing: random unless readers join on it.")
        }
    }
}
