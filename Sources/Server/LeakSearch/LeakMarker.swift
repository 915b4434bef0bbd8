/// A word that stands for something secret, and that nothing but a leak puts into a file.
package struct LeakMarker: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// In a personal field of an event, or in a body that was refused.
        case personal
        /// A secret or a token of a client, or a credential of a bucket.
        case credential
        /// A data key: whoever has it opens what it sealed.
        case key
        /// The master key, or the keyring that is sealed under it: in the keyring's directory and
        /// nowhere else, backups above all.
        case custody
        /// In a field that is not personal: it must be found, or the search is blind.
        case control
    }

    /// How many characters ``random(_:_:)`` makes.
    package static let characters = 36

    package let kind: Kind
    /// By which path it went in, such as `event.avro`; a hit says it.
    package let path: String
    package let bytes: [UInt8]

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package init(_ kind: Kind, _ path: String, text: String) {
        self.init(kind, path, bytes: Array(text.utf8))
    }

    package init(_ kind: Kind, _ path: String, bytes: [UInt8]) {
        self.kind = kind
        self.path = path
        self.bytes = bytes
    }

    /// Letters and digits, 214 random bits: LZ4 and zlib find nothing in it to shorten that is long
    /// enough to hide it (``LeakPatterns`` looks for thirds of it), and no other text holds it by chance.
    package static func random(_ kind: Kind, _ path: String) -> LeakMarker {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        let text = (0..<characters).map { _ in
            alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        }
        return LeakMarker(kind, path, text: String(text))
    }
}
