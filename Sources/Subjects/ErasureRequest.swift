package import Vault

/// What is asked for when a person is to be erased.
package struct ErasureRequest: Sendable {
    /// nil: all streams.
    package var streams: [String]?
    /// Later events of the person are refused in these streams.
    package var fence = false
    /// What the officer files it under, such as a case number. It stands in the ledger, the audit
    /// log and the receipt, so it must not name the person.
    package var reference: String?
    /// Destroys at once instead of with the next batch.
    package var isNow = false

    package init() {}

    package static let referencePattern = "^[A-Za-z0-9][A-Za-z0-9._/:#-]{0,63}$"

    /// No space and no `@`, so that neither a name nor an address slips in.
    static func isReference(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...64).contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || "._/:#-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

/// What became of the request.
package struct ErasureAnswer: Sendable {
    package var erasure: Erasure
    /// Nothing more was there to erase: this is what was asked for before.
    package var isRepeated: Bool
}
