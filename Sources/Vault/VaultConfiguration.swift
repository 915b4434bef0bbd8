/// Limits of the vault, each with its unit.
package struct VaultConfiguration: Sendable {
    /// Data keys kept in memory. About 170 bytes each; 64 of them in locked memory.
    package var cachedKeysMax: Int
    /// How long a master key command may take, in seconds.
    package var masterKeyCommandSeconds: Int

    package init(cachedKeysMax: Int = 262_144, masterKeyCommandSeconds: Int = 30) {
        self.cachedKeysMax = cachedKeysMax
        self.masterKeyCommandSeconds = masterKeyCommandSeconds
    }
}
