/// Walks over the JSON that `LeafText` writes, without copying: the members of the outermost object,
/// and the elements of a flat list. It reads no more JSON than that: no white space, no other depth.
enum LeafScanner {
    /// Calls `body` with each key, without its quotes, and each value as it is written, until it says
    /// false.
    /// False if the bytes are not such an object, as far as they were read; the members before the
    /// fault have been told then.
    static func forEachMember(
        of leaf: UnsafeRawBufferPointer,
        _ body: (Slice<UnsafeRawBufferPointer>, Slice<UnsafeRawBufferPointer>) -> Bool
    ) -> Bool {
        guard leaf.first == 0x7B, leaf.last == 0x7D else { return false }
        var place = 1
        while place < leaf.count {
            guard leaf[place] == 0x22, let keyEnd = endOfValue(leaf, from: place),
                keyEnd < leaf.count, leaf[keyEnd] == 0x3A,
                let valueEnd = endOfValue(leaf, from: keyEnd + 1), valueEnd < leaf.count
            else { return false }
            guard body(leaf[place + 1..<keyEnd - 1], leaf[keyEnd + 1..<valueEnd]) else {
                return true
            }
            if leaf[valueEnd] == 0x7D { return valueEnd == leaf.count - 1 }
            guard leaf[valueEnd] == 0x2C else { return false }
            place = valueEnd + 1
        }
        return false
    }

    /// Calls `body` with each element of `[…]` as it is written; stops where the list is no list.
    static func forEachElement(
        of list: Slice<UnsafeRawBufferPointer>, _ body: (Slice<UnsafeRawBufferPointer>) -> Void
    ) {
        guard list.first == 0x5B, list.last == 0x5D else { return }
        let whole = UnsafeRawBufferPointer(rebasing: list)
        var place = 1
        while place < whole.count - 1, let end = endOfValue(whole, from: place), end > place {
            body(whole[place..<end])
            place = end + 1
        }
    }

    /// The index after the value that begins at `start`; nil if it does not end.
    private static func endOfValue(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var depth = 0
        var isInString = false
        var place = start
        while place < text.count {
            let byte = text[place]
            if isInString {
                if byte == 0x5C {
                    place += 1
                } else if byte == 0x22 {
                    isInString = false
                    if depth == 0 { return place + 1 }
                }
            } else {
                switch byte {
                case 0x22: isInString = true
                case 0x5B, 0x7B: depth += 1
                case 0x5D, 0x7D:
                    if depth == 0 { return place }
                    depth -= 1
                    if depth == 0 { return place + 1 }
                case 0x2C where depth == 0: return place
                default: break
                }
            }
            place += 1
        }
        return nil
    }
}
