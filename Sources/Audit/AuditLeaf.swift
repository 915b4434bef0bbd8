package import AuditProof
package import Store

/// An entry of the log, read back member by member. What is missing is nil or empty, as it was when
/// it was written.
package struct AuditLeaf: Sendable, Equatable {
    package var number: UInt64 = 0
    package var at: Milliseconds = 0
    /// Raw value of an `Act`; another text in a log of a later version.
    package var act = ""
    package var client: String?
    package var role: String?
    package var stream: String?
    package var derivedStream: String?
    package var partition: Int?
    package var offsets: ClosedRange<UInt64>?
    package var fields: [String] = []
    /// Elements that the entry had no room for, of all its lists.
    package var omitted = 0
    /// By field; empty in entries from before values were counted.
    package var values: [Int] = []
    /// Consent levels, by field; empty in entries from before they were told.
    package var fieldLevels: [Int] = []
    /// Places in `contracts`, by field; empty in entries from before they were told.
    package var fieldContracts: [Int] = []
    package var contracts: [String] = []
    package var purposes: [Int] = []
    package var events: Int?
    package var keyLinks: Int?
    package var sealedFields: Int?
    package var detail: [String: String] = [:]
    /// Of what is kept beside the entry.
    package var disclosures: TreeHash?

    package init() {}

    /// The level of a field, by its place; nil: the entry does not tell it.
    func level(ofField place: Int) -> Int? {
        fieldLevels.count == fields.count ? fieldLevels[place] : nil
    }

    /// The contract of a field, by its place; nil: the entry does not tell it.
    func contract(ofField place: Int) -> String? {
        guard fieldContracts.count == fields.count,
            contracts.indices.contains(fieldContracts[place])
        else { return nil }
        return contracts[fieldContracts[place]]
    }

    /// Paths of which a hash left, as a release tells them in its detail; some may be cut.
    var maskedPaths: [String] {
        detail.filter {
            $0.key == "masked" || $0.key.hasPrefix("masked-") && $0.key != "masked-values"
        }
        .flatMap { $0.value.split(separator: " ").map(String.init) }
    }

    /// Something of single sequences left with it, and what is not kept any more, or was not when
    /// it was written.
    var hidesSequences: Bool {
        if disclosures != nil { return true }
        guard keyLinks != 0 else { return false }
        return act == Act.keysExported.rawValue || !fields.isEmpty || detail["masked"] != nil
    }

    /// nil if the bytes are not an entry of this log.
    package init?(_ leaf: UnsafeRawBufferPointer) {
        guard let header = LeafHeader(leaf) else { return nil }
        number = header.number
        at = header.milliseconds
        var isReadable = true
        let isObject = LeafScanner.forEachMember(of: leaf) { key, value in
            if !take(String(decoding: key, as: UTF8.self), value) { isReadable = false }
            return true
        }
        guard isObject, isReadable, !act.isEmpty else { return nil }
    }

    /// False: the value is not of the member's kind.
    private mutating func take(_ key: String, _ value: Slice<UnsafeRawBufferPointer>) -> Bool {
        switch key {
        case "act":
            guard let text = Self.text(value) else { return false }
            act = text
        case "client": return Self.set(&client, Self.text(value))
        case "role": return Self.set(&role, Self.text(value))
        case "stream": return Self.set(&stream, Self.text(value))
        case "derivedStream": return Self.set(&derivedStream, Self.text(value))
        case "partition": return Self.set(&partition, Self.number(value))
        case "events": return Self.set(&events, Self.number(value))
        case "keyLinks": return Self.set(&keyLinks, Self.number(value))
        case "sealedFields": return Self.set(&sealedFields, Self.number(value))
        case "offsets":
            guard let ends = Self.list(value, Self.offset), ends.count == 2, ends[0] <= ends[1]
            else { return false }
            offsets = ends[0]...ends[1]
        case "fields": return Self.set(&fields, Self.list(value, Self.text))
        case "contracts": return Self.set(&contracts, Self.list(value, Self.text))
        case "purposes": return Self.set(&purposes, Self.list(value, Self.number))
        case "values": return Self.set(&values, Self.list(value, Self.number))
        case "fieldLevels": return Self.set(&fieldLevels, Self.list(value, Self.number))
        case "fieldContracts": return Self.set(&fieldContracts, Self.list(value, Self.number))
        case "fieldsOmitted", "valuesOmitted", "fieldLevelsOmitted", "fieldContractsOmitted",
            "contractsOmitted", "purposesOmitted", "detailOmitted":
            guard let count = Self.number(value) else { return false }
            omitted += count
        case "detail":
            return LeafScanner.forEachMember(of: UnsafeRawBufferPointer(rebasing: value)) {
                detail[String(decoding: $0, as: UTF8.self)] = Self.text($1) ?? ""
                return true
            }
        case "disclosures":
            return Self.set(&disclosures, Self.text(value).flatMap { TreeHash(hexadecimal: $0) })
        default: break
        }
        return true
    }

    private static func set<Value>(_ member: inout Value?, _ value: Value?) -> Bool {
        member = value
        return value != nil
    }

    private static func set<Value>(_ member: inout [Value], _ value: [Value]?) -> Bool {
        member = value ?? []
        return value != nil
    }

    private static func number(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
        Int(String(decoding: text, as: UTF8.self))
    }

    private static func offset(_ text: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        UInt64(String(decoding: text, as: UTF8.self))
    }

    private static func list<Element>(
        _ text: Slice<UnsafeRawBufferPointer>, _ read: (Slice<UnsafeRawBufferPointer>) -> Element?
    ) -> [Element]? {
        guard text.first == 0x5B, text.last == 0x5D else { return nil }
        var elements: [Element] = []
        var isReadable = true
        LeafScanner.forEachElement(of: text) {
            if let element = read($0) { elements.append(element) } else { isReadable = false }
        }
        return isReadable ? elements : nil
    }

    /// What a JSON string of `LeafText` says: ASCII with `\"`, `\\` and `\uXXXX`.
    static func text(_ written: Slice<UnsafeRawBufferPointer>) -> String? {
        guard written.count >= 2, written.first == 0x22, written.last == 0x22 else { return nil }
        let inner = written.dropFirst().dropLast()
        guard inner.contains(0x5C) else { return String(decoding: inner, as: UTF8.self) }
        var units: [UInt16] = []
        var place = inner.startIndex
        while place < inner.endIndex {
            guard inner[place] == 0x5C else {
                units.append(UInt16(inner[place]))
                place += 1
                continue
            }
            guard place + 1 < inner.endIndex else { return nil }
            if inner[place + 1] == UInt8(ascii: "u") {
                guard place + 6 <= inner.endIndex,
                    let unit = UInt16(
                        String(decoding: inner[(place + 2)..<(place + 6)], as: UTF8.self), radix: 16
                    )
                else { return nil }
                units.append(unit)
                place += 6
            } else {
                units.append(UInt16(inner[place + 1]))
                place += 2
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
