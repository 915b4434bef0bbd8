/// The name of an object within its bucket: segments between slashes, in letters, digits and
/// `!_.*'()=-` alone, so that every store, every file system and every shell means the same by it.
package struct ObjectName: Hashable, Sendable, CustomStringConvertible {
    /// S3 takes 1,024 bytes; the rest is for suffixes such as those of a local directory.
    package static let bytesMax = 900
    /// Of what may stand in front of all objects of an exporter.
    package static let pathPrefixBytesMax = 512

    /// 1 to 900 bytes of ASCII.
    package let text: String

    /// Nil if the text is no name: see the type for its characters. The first one is a letter or a
    /// digit, no segment is empty, and no segment has two dots in a row or is a single one.
    package init?(_ text: String) {
        guard Self.isPath(text, bytesMax: Self.bytesMax) else { return nil }
        self.text = text
    }

    /// Whether names may begin with the text and a slash. The empty text is no prefix: whoever asks
    /// decides what nothing means.
    package static func isPathPrefix(_ text: String) -> Bool {
        isPath(text, bytesMax: pathPrefixBytesMax)
    }

    /// As it stands in a URL's path: the unreserved characters of RFC 3986 and slashes as they are,
    /// of everything else the percent sign and two upper-case digits.
    package var percentEncoded: String { URIText.encoded(text, keepsSlashes: true) }

    package var description: String { text }

    private static func isPath(_ text: String, bytesMax: Int) -> Bool {
        let bytes = text.utf8
        guard bytes.count <= bytesMax, let first = bytes.first, isAlphanumeric(first) else {
            return false
        }
        return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy(isSegment)
    }

    private static func isSegment(_ segment: Substring.UTF8View) -> Bool {
        let dot = UInt8(ascii: ".")
        guard let first = segment.first, !(first == dot && segment.count == 1) else { return false }
        return segment.allSatisfy { isAlphanumeric($0) || "!_.*'()=-".utf8.contains($0) }
            && !zip(segment, segment.dropFirst()).contains { $0 == dot && $1 == dot }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
