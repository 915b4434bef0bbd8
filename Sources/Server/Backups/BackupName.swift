import Store

/// Names of backups: made by the server alone. A name that comes from outside is looked up among
/// those that are there, and never becomes part of a path before it has this form.
///
///     20261129T195000Z-3f9a2c      time of making, UTC, and 6 random hexadecimal digits
enum BackupName {
    static let count = 23

    static func make(now: Milliseconds) -> String {
        let time = WireTime.format(now)
        let digits = time.utf8.prefix(19).filter { (0x30...0x39).contains($0) }
        let text = String(decoding: digits, as: UTF8.self)
        let random = String(UInt32.random(in: 0..<(1 << 24)), radix: 16)
        return "\(text.prefix(8))T\(text.dropFirst(8))Z-"
            + String(repeating: "0", count: 6 - random.count) + random
    }

    static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard bytes.count == count else { return false }
        for (index, byte) in bytes.enumerated() {
            let isDigit = (0x30...0x39).contains(byte)
            switch index {
            case 8: guard byte == UInt8(ascii: "T") else { return false }
            case 15: guard byte == UInt8(ascii: "Z") else { return false }
            case 16: guard byte == UInt8(ascii: "-") else { return false }
            case 17...: guard isDigit || (0x61...0x66).contains(byte) else { return false }
            default: guard isDigit else { return false }
            }
        }
        return true
    }
}
