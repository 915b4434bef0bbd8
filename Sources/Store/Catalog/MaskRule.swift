/// One masked field of a derived stream: its values are replaced by a keyed hash.
package struct MaskRule: Sendable, Codable, Equatable {
    package enum Function: String, Sendable, Codable {
        /// Under the stream's seed, which the vault keeps.
        case hmacSHA256 = "hmac-sha256"
        /// Under the given seed. Weak: whoever guesses a value can check the guess.
        case murmur3
    }

    /// Of one derived stream.
    package static let countMax = 64

    /// `handle/name` for every version of a contract, or `handle/name/version`.
    package var contract: String
    /// A path of the contract's schema.
    package var field: String
    package var type: Function
    /// Of murmur3 only.
    package var seed: UInt32?

    package init(contract: String, field: String, type: Function, seed: UInt32? = nil) {
        self.contract = contract
        self.field = field
        self.type = type
        self.seed = seed
    }
}
