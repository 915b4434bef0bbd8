import Buckets
import Synchronization

/// A bucket in memory that can be told to fail at any of its operations, before or after they have
/// had their effect: as a store whose answer was lost.
final class MemoryBucket: Bucket {
    enum Moment: CaseIterable { case before, after }

    struct State {
        var objects: [String: [UInt8]] = [:]
        /// Names in the order in which they were written, each time.
        var writes: [String] = []
        var operations = 0
        var failsAt: (operation: Int, moment: Moment)?
        /// Called at the beginning of the operation of this number.
        var interruption: (operation: Int, act: @Sendable () -> Void)?
        var error = BucketError.unavailable(status: 503, code: "SlowDown")
    }
    private let state = Mutex(State())

    var title: String { "memory" }

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    var writes: [String] { state.withLock { $0.writes } }
    var operations: Int { state.withLock { $0.operations } }

    /// The operation of this number from now on, counted from 1, fails once.
    func fails(at operation: Int, _ moment: Moment, _ error: BucketError? = nil) {
        state.withLock { state in
            state.failsAt = (state.operations + operation, moment)
            if let error { state.error = error }
        }
    }

    func interrupts(at operation: Int, _ act: @escaping @Sendable () -> Void) {
        state.withLock { $0.interruption = ($0.operations + operation, act) }
    }

    fileprivate func operate(_ effect: (inout State) -> Void) throws(BucketError) {
        let interruption = state.withLock { $0.interruption }
        if let interruption, interruption.operation == operations + 1 { interruption.act() }
        try state.withLock { state throws(BucketError) in
            state.operations += 1
            let fault = state.failsAt?.operation == state.operations ? state.failsAt : nil
            if fault != nil { state.failsAt = nil }
            if fault?.moment == .before { throw state.error }
            effect(&state)
            if fault?.moment == .after { throw state.error }
        }
    }

    func put(_ name: ObjectName, _ body: [UInt8], contentType: String) async throws(BucketError) {
        try operate { state in
            state.objects[name.text] = body
            state.writes.append(name.text)
        }
    }

    func delete(_ name: ObjectName) async throws(BucketError) {
        try operate { $0.objects[name.text] = nil }
    }

    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload {
        try operate { _ in }
        return Upload(name: name.text, bucket: self)
    }

    func close() async {}

    final class Upload: BucketUpload {
        private let name: String
        private let bucket: MemoryBucket
        private let bytes = Mutex<[UInt8]>([])

        init(name: String, bucket: MemoryBucket) {
            self.name = name
            self.bucket = bucket
        }

        func append(_ part: [UInt8]) async throws(BucketError) {
            precondition(part.count == BucketLimits.partBytes, "a part has its size")
            try bucket.operate { _ in bytes.withLock { $0 += part } }
        }

        func finish(_ rest: [UInt8]) async throws(BucketError) {
            precondition(rest.count <= BucketLimits.partBytes, "the rest is at most a part")
            let whole = bytes.withLock { $0 } + rest
            try bucket.operate { state in
                state.objects[name] = whole
                state.writes.append(name)
            }
        }

        func abort() async { bytes.withLock { $0 = [] } }
    }
}
