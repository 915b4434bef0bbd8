package import Store

/// How the escrow of the keyring is.
package struct EscrowStatus: Sendable, Equatable {
    /// The generation that it holds; nil if that is not known yet.
    package var generation: UInt64?
    /// Since when it does not hold the current one, ms since 1970; nil: it does.
    package var behindSince: Milliseconds?
    /// Why it could not be written, for the operator; nil if it could.
    package var failure: String?

    /// What was destroyed by the current generation may still be read from the escrow.
    package var isBehind: Bool { behindSince != nil }

    package init(
        generation: UInt64? = nil, behindSince: Milliseconds? = nil, failure: String? = nil
    ) {
        self.generation = generation
        self.behindSince = behindSince
        self.failure = failure
    }
}
