import AuditProof
import Store

/// Writes the members of an audit entry that follow its header, and JSON strings for them.
///
/// A leaf is one line of JSON, ASCII only: everything else is written as \uXXXX, so that neither a
/// newline, nor a quote, nor a control or direction character of a hostile name changes how the
/// line is read or shown. Members in this order; those that are nil or empty are left out:
///
///     {"n":12,"at":"2026-11-23T10:00:00.123Z","act":"release","client":"…","role":"reader",
///      "stream":"demo","derivedStream":"demo-1-4","partition":0,"offsets":[17,42],
///      "fields":["customer/email"],"values":[26],"fieldLevels":[4],"fieldContracts":[0],
///      "contracts":["acme/click/1.0.0"],
///      "purposes":[1,4],"events":26,"keyLinks":9,"sealedFields":1,"detail":{"reason":"…"},
///      "disclosures":"<64 hexadecimal digits: SHA-256 of what is kept beside the entry>"}
///
/// A leaf has at most 65,535 bytes, because the public format says its length in 16 bits. It always
/// fits: single names are cut, and long lists end with how many were left out, as "fieldsOmitted",
/// "valuesOmitted", "fieldLevelsOmitted", "fieldContractsOmitted", "contractsOmitted",
/// "purposesOmitted" or "detailOmitted".
enum LeafText {
    /// A name that is longer, in UTF-8, is cut and ends with "…".
    static let nameByteCountMax = 256
    /// Bytes of the elements of a list as they are written.
    static let fieldsByteCountMax = 30_720
    static let valuesByteCountMax = 2_048
    /// Of the levels of fields, and of the places of their contracts.
    static let fieldNumbersByteCountMax = 1_024
    static let contractsByteCountMax = 12_288
    static let detailByteCountMax = 8_192
    /// There are 64 consent levels.
    static let purposeCountMax = 64

    /// The members without braces, beginning with `"act":`. At most `bodyByteCountMax` bytes.
    /// - Parameter attachment: what is kept beside the entry; its hash is written.
    static func body(_ entry: AuditEntry, attachment: [UInt8]? = nil) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(256)
        text += Array("\"act\":".utf8)
        appendString(entry.act.rawValue, to: &text)
        appendMember("client", entry.client, to: &text)
        appendMember("role", entry.role, to: &text)
        appendMember("stream", entry.stream, to: &text)
        appendMember("derivedStream", entry.derivedStream, to: &text)
        appendMember("partition", entry.partition, to: &text)
        if let offsets = entry.offsets {
            text += Array(",\"offsets\":[\(offsets.first.rawValue),\(offsets.last.rawValue)]".utf8)
        }
        appendList(
            "fields", entry.fields.map { string($0) }, byteCountMax: fieldsByteCountMax, to: &text)
        appendList(
            "values", entry.values.map { Array(String($0).utf8) },
            byteCountMax: valuesByteCountMax, to: &text)
        for (key, numbers) in [
            ("fieldLevels", entry.fieldLevels), ("fieldContracts", entry.fieldContracts),
        ] {
            appendList(
                key, numbers.map { Array(String($0).utf8) },
                byteCountMax: fieldNumbersByteCountMax, to: &text)
        }
        appendList(
            "contracts", entry.contracts.map { string($0) }, byteCountMax: contractsByteCountMax,
            to: &text)
        // 20 digits and a comma are the longest number that an Int writes.
        appendList(
            "purposes", entry.purposes.map { Array(String($0).utf8) },
            byteCountMax: purposeCountMax * 21, to: &text)
        appendMember("events", entry.events, to: &text)
        appendMember("keyLinks", entry.keyLinks, to: &text)
        appendMember("sealedFields", entry.sealedFields, to: &text)
        appendDetail(entry.detail, to: &text)
        if let attachment {
            appendMember("disclosures", TreeHash(contentOf: attachment).hexadecimal, to: &text)
        }
        return text
    }

    /// Header, act, four names, two numbers' worth of members and the lists, rounded up.
    static let bodyByteCountMax = 65_000

    /// A name as it is read back from a leaf: whole, or cut and ended with "…".
    static func name(_ text: String) -> String {
        guard text.utf8.count > nameByteCountMax else { return text }
        var (result, room) = ("", nameByteCountMax)
        for scalar in text.unicodeScalars {
            room -= UTF8.width(scalar)
            if room < 0 { break }
            result.unicodeScalars.append(scalar)
        }
        return result + "\u{2026}"
    }

    /// A JSON string of ASCII characters, quotes included.
    static func string(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        appendString(text, to: &result)
        return result
    }

    /// A number that a leaf of ours holds: `"act":"keysMade","keyLinks":7`.
    static func keysMade(_ count: Int) -> [UInt8] {
        body(AuditEntry(act: .keysMade, keyLinks: count))
    }

    private static func appendMember(_ key: String, _ value: String?, to text: inout [UInt8]) {
        guard let value else { return }
        appendKey(key, to: &text)
        appendString(value, to: &text)
    }

    private static func appendMember(_ key: String, _ value: Int?, to text: inout [UInt8]) {
        guard let value else { return }
        appendKey(key, to: &text)
        text += Array(String(value).utf8)
    }

    private static func appendKey(_ key: String, to text: inout [UInt8]) {
        text += Array(",\"\(key)\":".utf8)
    }

    /// Writes as many elements as fit, and how many did not.
    private static func appendList(
        _ key: String, _ elements: [[UInt8]], byteCountMax: Int, to text: inout [UInt8]
    ) {
        guard !elements.isEmpty else { return }
        appendKey(key, to: &text)
        text.append(0x5B)
        var byteCount = 0
        var written = 0
        for element in elements {
            byteCount += element.count + 1
            if byteCount > byteCountMax { break }
            if written > 0 { text.append(0x2C) }
            text += element
            written += 1
        }
        text.append(0x5D)
        appendMember(
            key + "Omitted", written < elements.count ? elements.count - written : nil, to: &text)
    }

    private static func appendDetail(_ detail: [String: String], to text: inout [UInt8]) {
        guard !detail.isEmpty else { return }
        appendKey("detail", to: &text)
        text.append(0x7B)
        var byteCount = 0
        var written = 0
        for (key, value) in detail.sorted(by: { $0.key < $1.key }) where isWord(key) {
            let member = string(key) + [0x3A] + string(value)
            byteCount += member.count + 1
            if byteCount > detailByteCountMax { break }
            if written > 0 { text.append(0x2C) }
            text += member
            written += 1
        }
        text.append(0x7D)
        appendMember(
            "detailOmitted", written < detail.count ? detail.count - written : nil, to: &text)
    }

    private static func isWord(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.count <= 64
            && key.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    private static func appendString(_ text: String, to result: inout [UInt8]) {
        result.append(0x22)
        var room = nameByteCountMax
        for scalar in text.unicodeScalars {
            room -= UTF8.width(scalar)
            if room < 0 {
                appendEscape(0x2026, to: &result)
                break
            }
            switch scalar.value {
            case 0x22, 0x5C:
                result.append(0x5C)
                result.append(UInt8(scalar.value))
            case 0x20...0x7E:
                result.append(UInt8(scalar.value))
            default:
                for unit in UTF16.encode(scalar) ?? .init() { appendEscape(unit, to: &result) }
            }
        }
        result.append(0x22)
    }

    private static func appendEscape(_ unit: UInt16, to result: inout [UInt8]) {
        let hexadecimal = Array("0123456789abcdef".utf8)
        result += [0x5C, 0x75]
        for shift in stride(from: 12, through: 0, by: -4) {
            result.append(hexadecimal[Int(unit >> UInt16(shift)) & 0xF])
        }
    }
}
