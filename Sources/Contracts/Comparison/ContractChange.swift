/// One difference between two versions of a contract.
package struct ContractChange: Sendable, Equatable {
    /// Whom a change breaks.
    package enum Break: String, Sendable, CaseIterable {
        /// The new contract cannot take or read what was valid under the old one.
        case backward
        /// Readers made for the old contract cannot read what is valid under the new one.
        case forward
        /// Personal data is protected less, or not shown to be protected as well: the change needs
        /// an approval of its own.
        case privacy
    }

    /// Path of the field, as contracts write it, with `*` for the items of lists and maps; "" is the
    /// whole contract.
    package let path: String
    /// What changed, in words for people.
    package let change: String
    /// In the order of ``Break``, each once.
    package let breaks: [Break]

    init(_ path: String, _ change: String, breaks: [Break] = []) {
        self.path = path
        self.change = change
        self.breaks = Break.allCases.filter(breaks.contains)
    }
}
