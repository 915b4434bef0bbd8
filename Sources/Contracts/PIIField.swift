/// A field that a contract marks as personal data.
package struct PIIField: Sendable, Equatable {
    /// Place in ``Contract/piiFields``; stored in the spans of each record, so never renumbered for
    /// a contract.
    package let index: UInt16
    /// Steps through the schema with `/`, lists and maps passed over without a step:
    /// `customer/email`, `items/note`.
    package let path: String
    /// Consent level 0...63 that opens the field.
    package let level: Int
    /// The field identifies together with others; kept for those who read the contract.
    package let isQuasiId: Bool
    package var sealing = SealingMode.deterministic
}
