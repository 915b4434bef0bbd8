/// How the keys of some erasures were destroyed together. It stands in the ledger.
package struct ErasureBatch: Sendable, Equatable, Codable {
    /// Ids of the erasures, in the order of their requests.
    package internal(set) var erasures: [String]
    /// The generation of the keys that took the place of the destroyed ones: the batch's number in
    /// the ledger.
    package internal(set) var number: UInt32
    /// How many bucket keys were destroyed.
    package internal(set) var buckets = 0
    /// How many data keys they wrapped for the erased people.
    package internal(set) var keysDestroyed = 0
    /// Data keys of others in these buckets, which were wrapped anew.
    package internal(set) var survivors = 0
    /// Records in these buckets that could not be opened before: damaged, or older than the keyring.
    package internal(set) var unreadable = 0
    /// Data keys among the erased that sealed for other people too, by erasure; none: not named.
    package internal(set) var sharedLinks: [String: Int] = [:]
    /// Generation of the keyring file that is without the destroyed keys.
    package internal(set) var keyringGeneration: UInt64 = 0
    /// `file`, `environment`, `command` or `operator`.
    package internal(set) var masterKeyCustody = ""
    /// The master key was replaced and the old one overwritten, so that copies of older keyring
    /// files cannot be opened with what exists now.
    package internal(set) var isMasterKeyRenewed = false
    /// How long each step took, in ms.
    package internal(set) var stepMilliseconds: [String: Int] = [:]
}
