/// The rules that contract and schema references share: `handle/name/version`.
///
/// handle and name: 1...64 of `A-Z a-z 0-9 . _ -`; version: three numbers with dots, then
/// optionally a `-` or `+` suffix of the same characters, in all at most 64 bytes (semantic
/// versioning). None of the characters needs escaping in JSON, in a URL path or in a header.
enum ReferenceName {
    static let partBytesMax = 64

    static func split(_ text: String) -> (String, String, String)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let (handle, name, version) = (String(parts[0]), String(parts[1]), String(parts[2]))
        guard isName(handle), isName(name), isVersion(version) else { return nil }
        return (handle, name, version)
    }

    static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...partBytesMax).contains(bytes.count), let first = bytes.first else {
            return false
        }
        // A leading dot would make "..": no reference may look like a path that climbs.
        return isAlphanumeric(first) && bytes.allSatisfy(isNameByte)
    }

    static func isVersion(_ text: String) -> Bool {
        guard text.utf8.count <= partBytesMax else { return false }
        let core = text.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false)
        let isCoreRight =
            numbers.count == 3
            && numbers.allSatisfy { part in
                (1...9).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit)
            }
        let suffix = text.utf8.dropFirst(core.utf8.count)
        guard isCoreRight else { return false }
        return suffix.isEmpty
            || suffix.count > 1 && suffix.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "+") }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
