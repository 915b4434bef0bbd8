import Synchronization

/// A file on its way: it has a temporary name until it is whole.
final class LocalUpload: BucketUpload {
    private let bucket: LocalBucket
    private let name: ObjectName
    /// One task uses an upload; the lock is for the compiler. Only `finish` and `abort` end it.
    private let file = Mutex<PartialFile?>(nil)

    init(_ bucket: LocalBucket, _ name: ObjectName) {
        self.bucket = bucket
        self.name = name
    }

    func append(_ part: [UInt8]) async throws(BucketError) {
        try await LocalBucket.run { [self] () throws(BucketError) in try write(part) }
    }

    func finish(_ rest: [UInt8]) async throws(BucketError) {
        try await LocalBucket.run { [self] () throws(BucketError) in
            try write(rest)
            try file.withLock { file throws(BucketError) in
                try file?.publish()
                file = nil
            }
        }
    }

    func abort() async {
        // A temporary file that cannot be removed is replaced when its name is used again.
        try? await LocalBucket.run { [self] () throws(BucketError) in
            file.withLock { file in
                file?.discard()
                file = nil
            }
        }
    }

    private func write(_ bytes: [UInt8]) throws(BucketError) {
        try file.withLock { file throws(BucketError) in
            let open: PartialFile
            if let file { open = file } else { open = try bucket.create(name) }
            file = open
            try open.write(bytes)
        }
    }
}
