import Crypto

/// SHA-256 of a whole document, as it stands in signed notes.
package enum DocumentHash {
    /// 64 hexadecimal digits in lower case.
    package static func sha256(_ document: [UInt8]) -> String {
        HexText.text(SHA256.hash(data: document))
    }
}
