import CRocksDB

/// How much an iterator will read.
enum ReadMode {
    /// A few keys.
    case point
    /// Many in order: reads ahead.
    case scan
    /// Everything, once: reads ahead, and leaves the block cache to others.
    case sweep

    /// Bytes.
    static let readahead = 256 << 10
}

/// An ordered view of a family as it was when the iterator was made. What `key` and `value` give
/// dies with the next step.
struct EngineIterator: ~Copyable {
    private let handle: OpaquePointer
    private let options: OpaquePointer
    /// Holds the family, and through it the database.
    private let family: ColumnFamily

    init(database: OpaquePointer, family: ColumnFamily, mode: ReadMode) throws(StoreError) {
        guard let options = rocksdb_readoptions_create() else {
            throw .io("the engine gave no memory for options")
        }
        rocksdb_readoptions_set_verify_checksums(options, 1)
        switch mode {
        case .point: break
        case .scan: rocksdb_readoptions_set_readahead_size(options, ReadMode.readahead)
        case .sweep:
            rocksdb_readoptions_set_readahead_size(options, ReadMode.readahead)
            rocksdb_readoptions_set_fill_cache(options, 0)
        }
        guard let handle = rocksdb_create_iterator_cf(database, options, family.handle) else {
            rocksdb_readoptions_destroy(options)
            throw .io("the engine gave no iterator")
        }
        self.handle = handle
        self.options = options
        self.family = family
    }

    deinit {
        rocksdb_iter_destroy(handle)
        rocksdb_readoptions_destroy(options)
    }

    var isValid: Bool { rocksdb_iter_valid(handle) != 0 }

    /// Only while valid.
    var key: UnsafeRawBufferPointer {
        var count = 0
        let bytes = rocksdb_iter_key(handle, &count)
        return UnsafeRawBufferPointer(start: bytes, count: count)
    }

    /// Only while valid.
    var value: UnsafeRawBufferPointer {
        var count = 0
        let bytes = rocksdb_iter_value(handle, &count)
        return UnsafeRawBufferPointer(start: bytes, count: count)
    }

    func seekToFirst() { rocksdb_iter_seek_to_first(handle) }

    /// To the first key that is not smaller.
    func seek(_ key: UnsafeRawBufferPointer) {
        rocksdb_iter_seek(
            handle, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count)
    }

    func seek(_ key: [UInt8]) { key.withUnsafeBytes { seek($0) } }

    /// To the last key that is not larger.
    func seekForPrevious(_ key: [UInt8]) {
        key.withUnsafeBytes {
            rocksdb_iter_seek_for_prev(
                handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
    }

    func next() { rocksdb_iter_next(handle) }

    /// To be called whenever the iterator is no longer valid: an error looks like the end.
    func check() throws(StoreError) {
        try callEngine { rocksdb_iter_get_error(handle, $0) }
    }
}
