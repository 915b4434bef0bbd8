import AuditProof
import Crypto
import Export

/// The file `SHA256SUMS` of a backup: which files there are, and what is in them.
struct BackupSums: Sendable, Equatable {
    /// By file name, below `db/`.
    var files: [String: String] = [:]

    var bytes: [UInt8] {
        Array(
            files.sorted { $0.key < $1.key }.map { "\($0.value)  db/\($0.key)\n" }.joined().utf8)
    }

    var sha256: String { HexText.text(SHA256.hash(data: bytes)) }

    init() {}

    /// - Throws: `.damaged` for anything but lines of that form, with names that lead nowhere else.
    init(_ file: [UInt8]) throws(BackupFailure) {
        let damaged = BackupFailure.damaged("\(BackupManifest.sumsName) cannot be read")
        guard file.last == 0x0A else { throw damaged }
        for line in file.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false) {
            let text = String(decoding: line, as: UTF8.self)
            let parts = text.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].utf8.count == 64, parts[1].isEmpty,
                parts[2].hasPrefix("db/")
            else { throw damaged }
            let name = String(parts[2].dropFirst(3))
            guard Self.isPlain(name), files.updateValue(String(parts[0]), forKey: name) == nil
            else { throw damaged }
        }
    }

    /// As the engine names its files: nothing that could be a path, and nothing hidden.
    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "."), name.utf8.count <= 128
        else { return false }
        return name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
    }
}
