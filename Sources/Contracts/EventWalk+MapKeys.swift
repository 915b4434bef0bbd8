// Keys of maps are names of the event's own: bounded, and each once.

extension EventWalk {
    /// Notes one more key of the map that began at `first`.
    mutating func addKey(_ name: UnsafeRawBufferPointer, first: Int) -> Bool {
        guard let start = name.baseAddress else { return true }
        at(.key(start, name.count))
        guard name.count <= limits.keyBytesMax else {
            return fail(.tooLarge, .keySize, "names of at most \(limits.keyBytesMax) bytes")
        }
        guard mapKeys.count - first < limits.mapKeyCountMax else {
            return fail(.tooLarge, .keyCount, "at most \(limits.mapKeyCountMax) keys in a map")
        }
        mapKeys.append(MapKey(start: start, count: name.count))
        return true
    }

    /// Refuses a key that stands twice in the map that began at `first`, and forgets its keys.
    mutating func checkKeys(from first: Int) -> Bool {
        let count = mapKeys.count - first
        guard count > 1 else {
            mapKeys.count = first
            return true
        }
        var size = 4
        while size < 2 * count { size *= 2 }
        keyTable.count = 0
        keyTable.reserve(size)
        let table = keyTable.base
        table.update(repeating: 0, count: size)
        for index in 0..<count {
            let key = mapKeys.base[first + index]
            let text = UnsafeRawBufferPointer(start: key.start, count: key.count)
            var at = Int(truncatingIfNeeded: ByteText.hash(text, seed: hashSeed)) & (size - 1)
            while table[at] != 0 {
                let other = mapKeys.base[first + Int(table[at]) - 1]
                if ByteText.isEqual(other.start, other.count, text) { return failDuplicate(text) }
                at = (at + 1) & (size - 1)
            }
            table[at] = UInt16(truncatingIfNeeded: index + 1)
        }
        mapKeys.count = first
        return true
    }
}
