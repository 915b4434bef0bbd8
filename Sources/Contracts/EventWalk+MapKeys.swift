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
        if let twice = repeatedKey(from: first) {
            let key = mapKeys.base[first + twice]
            return failDuplicate(UnsafeRawBufferPointer(start: key.start, count: key.count))
        }
        mapKeys.count = first
        return true
    }

    /// Up to so many keys are compared with each other, which is then faster than a table.
    private static let fewKeys = 16

    /// The first key since `first` that stands there a second time, as an index from `first`; nil:
    /// none does. Cost: linear; a few keys are compared with each other.
    mutating func repeatedKey(from first: Int) -> Int? {
        let count = mapKeys.count - first
        guard count > 1 else { return nil }
        if count <= Self.fewKeys { return repeatedFewKey(first, count) }
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
                if ByteText.isEqual(other.start, other.count, text) { return index }
                at = (at + 1) & (size - 1)
            }
            table[at] = UInt16(truncatingIfNeeded: index + 1)
        }
        return nil
    }

    private func repeatedFewKey(_ first: Int, _ count: Int) -> Int? {
        for index in 1..<count {
            let key = mapKeys.base[first + index]
            let text = UnsafeRawBufferPointer(start: key.start, count: key.count)
            for other in 0..<index {
                let earlier = mapKeys.base[first + other]
                if ByteText.isEqual(earlier.start, earlier.count, text) { return index }
            }
        }
        return nil
    }
}
