import Crypto

/// SHA-256 of a whole document, as it stands in audit entries and signed notes.
package enum DocumentHash {
    /// 64 hexadecimal digits in lower case.
    package static func sha256(_ document: [UInt8]) -> String {
        SHA256.hash(data: document).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
