/// Hashing and comparing whole values of tapes as JSON Schema does: 1 equals 1.0, members have no
/// order. Recursion is bounded by the depth of what was parsed.
enum TapeValue {
    /// Equal for equal values. With a secret seed a sender cannot choose values that collide. Cost:
    /// linear in the value.
    static func hash(_ tape: JSONTape, _ index: Int, seed: UInt64) -> UInt64 {
        switch tape.tag(index) {
        case JSONTape.Tag.string: return ByteText.hash(tape.string(index), seed: seed)
        case JSONTape.Tag.integer, JSONTape.Tag.unsigned, JSONTape.Tag.double:
            return mix(JSONNumber(tape, index).hash, seed &+ 1)
        case JSONTape.Tag.yes: return mix(2, seed &+ 2)
        case JSONTape.Tag.no: return mix(3, seed &+ 2)
        case JSONTape.Tag.null: return mix(4, seed &+ 2)
        case JSONTape.Tag.array:
            var state = seed &+ 3
            var at = index + 1
            while at < tape.end(index) {
                state = mix(state, hash(tape, at, seed: seed))
                at = tape.next(at)
            }
            return mix(state, seed &+ 3)
        default:
            // A sum, so that the order of members does not count.
            var state: UInt64 = 0
            var at = index + 1
            while at < tape.end(index) {
                let name = ByteText.hash(tape.string(at), seed: seed &+ 4)
                state &+= mix(name, hash(tape, at + 1, seed: seed))
                at = tape.next(at + 1)
            }
            return mix(state, seed &+ 5)
        }
    }

    private static func mix(_ one: UInt64, _ two: UInt64) -> UInt64 {
        let product = (one ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(
            by: two ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low
    }

    /// Whether two values are equal. Names are unique in each object. Cost: linear, but for objects
    /// the product of their members in the worst case.
    static func isEqual(
        _ one: JSONTape, _ index: Int, _ two: JSONTape, _ other: Int
    ) -> Bool {
        let (tag, otherTag) = (one.tag(index), two.tag(other))
        if isNumber(tag) {
            return isNumber(otherTag)
                && JSONNumber(one, index).compared(to: JSONNumber(two, other)) == 0
        }
        guard tag == otherTag else { return false }
        switch tag {
        case JSONTape.Tag.string:
            let text = one.string(index)
            guard let start = text.baseAddress else { return false }
            return ByteText.isEqual(start, text.count, two.string(other))
        case JSONTape.Tag.array: return isEqualList(one, index, two, other)
        case JSONTape.Tag.object: return isEqualObject(one, index, two, other)
        default: return true
        }
    }

    @inline(__always)
    static func isNumber(_ tag: UInt8) -> Bool {
        tag == JSONTape.Tag.integer || tag == JSONTape.Tag.double || tag == JSONTape.Tag.unsigned
    }

    private static func isEqualList(
        _ one: JSONTape, _ index: Int, _ two: JSONTape, _ other: Int
    ) -> Bool {
        guard one.memberCount(index) == two.memberCount(other) else { return false }
        var (at, otherAt) = (index + 1, other + 1)
        while at < one.end(index), otherAt < two.end(other) {
            guard isEqual(one, at, two, otherAt) else { return false }
            at = one.next(at)
            otherAt = two.next(otherAt)
        }
        return at >= one.end(index) && otherAt >= two.end(other)
    }

    private static func isEqualObject(
        _ one: JSONTape, _ index: Int, _ two: JSONTape, _ other: Int
    ) -> Bool {
        guard one.memberCount(index) == two.memberCount(other) else { return false }
        var at = index + 1
        var hint = other + 1
        while at < one.end(index) {
            guard let found = member(one.string(at), of: other, from: hint, two),
                isEqual(one, at + 1, two, found)
            else { return false }
            hint = two.next(found)
            at = one.next(at + 1)
        }
        return true
    }

    /// Tape index of the value of a member; the search begins at the member at `start`.
    private static func member(
        _ name: UnsafeRawBufferPointer, of index: Int, from start: Int, _ tape: JSONTape
    ) -> Int? {
        find(name, tape, start, tape.end(index)) ?? find(name, tape, index + 1, start)
    }

    private static func find(
        _ name: UnsafeRawBufferPointer, _ tape: JSONTape, _ start: Int, _ end: Int
    ) -> Int? {
        guard let text = name.baseAddress else { return nil }
        var at = start
        while at < end {
            if ByteText.isEqual(text, name.count, tape.string(at)) { return at + 1 }
            at = tape.next(at + 1)
        }
        return nil
    }

    /// Tape index of the value of a member of the object at `index`; nil: it has none.
    static func member(
        _ name: UnsafeRawBufferPointer, of index: Int, _ tape: JSONTape
    ) -> Int? {
        find(name, tape, index + 1, tape.end(index))
    }
}
