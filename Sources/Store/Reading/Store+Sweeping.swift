/// The families whose records outlive the keys that they belong to.
package enum RecordFamily: String, Sendable, CaseIterable {
    case keys, index, subjects
}

extension Store {
    /// Records of a family whose key is not smaller, ascending; false stops. Leaves the block cache
    /// alone. The pointers die when the visit returns.
    package func sweep(
        _ family: RecordFamily, from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        try withEngine { engine throws(StoreError) in
            let swept =
                switch family {
                case .keys: engine.keys
                case .index: engine.index
                case .subjects: engine.subjects
                }
            let iterator = try swept.iterator(.sweep)
            iterator.seek(key)
            while iterator.isValid {
                guard visit(iterator.key, iterator.value) else { return }
                iterator.next()
            }
            try iterator.check()
        }
    }
}
