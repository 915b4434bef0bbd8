/// Limits of the vault, each with its unit.
package struct VaultConfiguration: Sendable {
    /// Data keys kept in memory. About 185 bytes each; 64 of them in locked memory. Memory is taken as keys
    /// come.
    package var cachedKeysMax: Int
    /// How long a master key command may take, in seconds.
    package var masterKeyCommandSeconds: Int

    package init(cachedKeysMax: Int = 1_048_576, masterKeyCommandSeconds: Int = 30) {
        self.cachedKeysMax = cachedKeysMax
        self.masterKeyCommandSeconds = masterKeyCommandSeconds
    }
}
