/// Writes values of a document as a tape of simdjson's form (``JSONTape``), so that constants of a
/// schema and whole schema documents are read by the code that reads events.
struct TapeBuilder {
    private(set) var words: [UInt64] = []
    private(set) var strings: [UInt8] = []

    /// Appends a value and returns its index on the tape. Recursion is bounded by the document's
    /// depth (``JSONValue/depthMax``).
    mutating func append(_ value: JSONValue) -> Int {
        let index = words.count
        switch value {
        case .null: put(JSONTape.Tag.null)
        case .bool(let flag): put(flag ? JSONTape.Tag.yes : JSONTape.Tag.no)
        case .integer(let number):
            put(JSONTape.Tag.integer)
            words.append(UInt64(bitPattern: number))
        case .unsigned(let number):
            put(JSONTape.Tag.unsigned)
            words.append(number)
        case .double(let number):
            put(JSONTape.Tag.double)
            words.append(number.bitPattern)
        case .string(let text): append(text)
        case .array(let items):
            put(JSONTape.Tag.array)
            for item in items { _ = append(item) }
            close(index, UInt8(ascii: "]"), items.count)
        case .object(let members):
            put(JSONTape.Tag.object)
            for member in members {
                append(member.name)
                _ = append(member.value)
            }
            close(index, UInt8(ascii: "}"), members.count)
        }
        return index
    }

    private mutating func put(_ tag: UInt8, _ rest: UInt64 = 0) {
        words.append(UInt64(tag) << 56 | rest)
    }

    private mutating func append(_ text: String) {
        put(JSONTape.Tag.string, UInt64(strings.count))
        let bytes = Array(text.utf8)
        withUnsafeBytes(of: UInt32(bytes.count)) { strings += $0 }
        strings += bytes
        strings.append(0)
    }

    private mutating func close(_ start: Int, _ tag: UInt8, _ count: Int) {
        put(tag, UInt64(start))
        words[start] |= UInt64(min(count, 0xff_ffff)) << 32 | UInt64(words.count)
    }

    /// Lends the tape; it is valid inside the closure only.
    func withTape<Result>(_ body: (JSONTape) -> Result) -> Result {
        // One more byte and word, so that both have an address.
        let words = words + [0]
        let strings = strings + [0]
        return words.withUnsafeBufferPointer { words in
            strings.withUnsafeBytes { strings in
                guard let first = words.baseAddress, let start = strings.baseAddress else {
                    preconditionFailure("an array with items has an address")
                }
                return body(JSONTape(words: first, strings: start))
            }
        }
    }
}
