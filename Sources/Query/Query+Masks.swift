package import Contracts
import Foundation
package import Store
import Vault

/// Why a mask of a derived stream is refused. The caller mends it.
package struct MaskError: Error, Sendable, Equatable {
    /// Place in the list of masks.
    package var index: Int
    /// The member of the rule that is wrong.
    package var member: String
    package var expected: String
}

extension Query {
    /// Checks the masks of a derived stream of these levels against the contracts that are
    /// registered, whatever their state. A version that is registered later may lack the field, and
    /// then there is nothing to mask; or make it personal data of another level, and then it stays
    /// sealed.
    package func check(_ masks: [MaskRule], levels: ConsentLevels) throws(MaskError) {
        let contracts = registry.snapshot().contracts
        for (index, mask) in masks.enumerated() {
            func refuse(_ member: String, _ expected: String) -> MaskError {
                MaskError(index: index, member: member, expected: expected)
            }
            let versions = contracts.filter { mask.matches($0.ref) }
            guard !versions.isEmpty else {
                throw refuse("contract", "handle/name or handle/name/version of a contract")
            }
            guard mask.field.split(separator: "/").first != "strmMeta" else {
                throw refuse("field", "a field outside strmMeta")
            }
            let known = versions.filter { $0.hasScalar(at: mask.field) }
            guard !known.isEmpty else {
                throw refuse("field", "the path of a value in the schema of the contract")
            }
            for contract in known {
                let field = contract.piiFields.first { $0.path == mask.path }
                guard let field, !levels.contains(field.level) else { continue }
                throw refuse(
                    "field",
                    "a field that the derived stream may open: in \(contract.ref) it has the level "
                        + "\(field.level)")
            }
            let clash = masks[..<index].contains { earlier in
                earlier.path == mask.path
                    && versions.contains { earlier.matches($0.ref) }
            }
            guard !clash else { throw refuse("field", "each field of a contract once") }
        }
    }

    /// The masks for a new derived stream, with a seed if they need one: 32 random bytes, given
    /// sealed for this stream alone. May write the keyring.
    /// - Throws: `.unavailable` if the vault cannot be written.
    package func mask(
        _ derived: DerivedStreamDefinition, with masks: [MaskRule]
    ) async throws(QueryError) -> DerivedStreamDefinition {
        var masked = derived
        guard !masks.isEmpty else { return masked }
        masked.masks = masks
        guard masks.contains(where: { $0.type == .hmacSHA256 }) else { return masked }
        let (vault, now) = (vault, clock())
        let owner = DerivedStreamDefinition.seedOwner(derived.name, derived.id)
        masked.sealedMaskSeed = try await onReaderThread { () throws(VaultError) -> String in
            Data(try vault.sealNewSecret(owner: owner, now: now)).base64EncodedString()
        }
        return masked
    }
}
