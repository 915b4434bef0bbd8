/// Looks through a header block for the one value that is worth remembering: the bearer token
/// (HPACK, RFC 7541, 6).
///
/// Clients send `authorization` as a literal that is never indexed, so its half a kilobyte of
/// Huffman code comes anew with each request, and took a fifth of the server's time. Only the
/// shape of the block is read here; nothing is decoded and no table is touched.
enum HeaderBlockScan {
    /// Number of `authorization` in the static table (RFC 7541, appendix A).
    private static let authorizationIndex = 23

    /// Where the string of the value stands, its length's bytes and Huffman bit included, if the
    /// block has exactly one literal `authorization`, named by the static table and not put into the
    /// dynamic one. Nil also for a block that is not well-formed: nghttp2 then says what is wrong.
    static func authorizationValue(in block: UnsafeRawBufferPointer) -> Range<Int>? {
        var position = 0
        var found: Range<Int>?
        while position < block.count {
            let first = block[position]
            if first & 0x80 != 0 {
                guard integer(in: block, at: &position, prefixBits: 7) != nil else { return nil }
                continue
            }
            if first & 0xE0 == 0x20 {
                guard integer(in: block, at: &position, prefixBits: 5) != nil else { return nil }
                continue
            }
            let isIndexed = first & 0x40 != 0
            guard let name = integer(in: block, at: &position, prefixBits: isIndexed ? 6 : 4) else {
                return nil
            }
            if name == 0, string(in: block, at: &position) == nil { return nil }
            guard let value = string(in: block, at: &position) else { return nil }
            if name == authorizationIndex {
                guard found == nil, !isIndexed else { return nil }
                found = value
            }
        }
        return found
    }

    private static func string(
        in block: UnsafeRawBufferPointer, at position: inout Int
    ) -> Range<Int>? {
        let start = position
        guard position < block.count,
            let count = integer(in: block, at: &position, prefixBits: 7),
            count <= block.count - position
        else { return nil }
        position += count
        return start..<position
    }

    /// An integer of RFC 7541, 5.1; nil if it is cut off or longer than any that has a use.
    private static func integer(
        in block: UnsafeRawBufferPointer, at position: inout Int, prefixBits: Int
    ) -> Int? {
        let mask = 1 << prefixBits - 1
        var value = Int(block[position]) & mask
        position += 1
        guard value == mask else { return value }
        var shift = 0
        while position < block.count, shift <= 21 {
            let byte = Int(block[position])
            position += 1
            value += (byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}
