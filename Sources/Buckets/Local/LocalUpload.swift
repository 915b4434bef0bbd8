import Synchronization

/// A file on its way: it has a temporary name until it is whole.
final class LocalUpload: BucketUpload {
    private let bucket: LocalBucket
    private let name: ObjectName
    /// One task uses an upload; the lock is for the compiler.
    private let state = Mutex(State.empty)

    private enum State {
        case empty
        case open(PartialFile)
        case finished
    }

    init(_ bucket: LocalBucket, _ name: ObjectName) {
        self.bucket = bucket
        self.name = name
    }

    func append(_ part: [UInt8]) async throws(BucketError) {
        try await LocalBucket.run { [self] () throws(BucketError) in
            try withFile { file throws(BucketError) in try file.append(part) }
        }
    }

    func finish(_ rest: [UInt8]) async throws(BucketError) {
        try await LocalBucket.run { [self] () throws(BucketError) in
            try withFile { file throws(BucketError) in try file.publish(rest) }
            state.withLock { $0 = .finished }
        }
    }

    func abort() async {
        // In a task of its own, which is waited for: an upload is given up when the task that made
        // it was cancelled, and a cancelled task gets no thread.
        let discarding = Task { [self] in
            // It fails only if there are no threads any more; what is left is replaced when the
            // name is used again.
            try? await LocalBucket.run { [self] () throws(BucketError) in
                state.withLock { state in
                    if case .open(let file) = state { file.discard() }
                    state = .empty
                }
            }
        }
        await discarding.value
    }

    /// Calls the body with the file, made if it was not; not at all if the object is finished.
    private func withFile(
        _ body: (PartialFile) throws(BucketError) -> Void
    ) throws(BucketError) {
        try state.withLock { state throws(BucketError) in
            switch state {
            case .finished:
                return
            case .open(let file):
                try body(file)
            case .empty:
                let file = try bucket.create(name)
                state = .open(file)
                try body(file)
            }
        }
    }
}
