import Audit
import AuditProof
import Dispatch
import Foundation
import Store
import Synchronization

/// A file that holds the newest checkpoint; meant to lie where this machine's administrator cannot
/// change it, such as a mounted share of another department.
///
/// It is replaced whole, by a file beside it that is synced first. What is there is read before: a
/// checkpoint of a longer log, or of other entries, is never written over.
struct FilePlace: OutsidePlace {
    let kind = WitnessKind.file
    let path: String
    var title: String { path }

    func confirm(
        _ log: OwnLog, last: OutsideConfirmation?, now: Milliseconds
    ) async throws(WitnessFailure) -> OutsideConfirmation {
        let (checkpoint, note) = try await log.read { try $0.signedTree() }
        if let there = try await onThread({ () throws(WitnessFailure) in try read() }) {
            try await compare(there, with: checkpoint, log)
        }
        try await onThread { () throws(WitnessFailure) in try replace(with: Array(note.utf8)) }
        return OutsideConfirmation(place: title, size: checkpoint.size, at: now, note: note)
    }

    private func compare(
        _ there: [UInt8], with checkpoint: Checkpoint, _ log: OwnLog
    ) async throws(WitnessFailure) {
        let chain = try await log.read { try $0.keyChain() }
        let kept: Checkpoint
        do throws(CheckpointError) { kept = try chain.checkpoint(there) } catch {
            throw .otherHistory("what it holds is no checkpoint of this log: \(error)")
        }
        guard kept.size <= checkpoint.size else {
            throw .rolledBack(seen: kept.size, size: checkpoint.size)
        }
        let root = try await log.read { try $0.root(size: kept.size) }
        guard root == kept.root else {
            throw .otherHistory("it holds other first \(kept.size) entries than the log")
        }
    }

    /// nil: there is no such file.
    private func read() throws(WitnessFailure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be read")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= SignedNote.byteCountMax
        else { throw .failed("it is not a file with a checkpoint") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = bytes.withUnsafeMutableBytes {
            Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard count == bytes.count else { throw failure("cannot be read") }
        return bytes
    }

    private func replace(with bytes: [UInt8]) throws(WitnessFailure) {
        let draft = path + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw failure("cannot be written") }
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isSynced = count == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        // Dying before this line leaves the older checkpoint, which is as good, only older.
        guard isSynced, rename(draft, path) == 0 else { throw failure("cannot be written") }
        let directory = open(
            URL(filePath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC
        )
        guard directory >= 0 else { throw failure("cannot be synced") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("cannot be synced") }
    }

    private func failure(_ what: String) -> WitnessFailure {
        .failed("the file \(what): \(String(cString: strerror(errno)))")
    }

    /// Away from the threads that readers of events need: a share that hangs hangs here, and a stop
    /// of the server does not wait for it.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(WitnessFailure) -> Value
    ) async throws(WitnessFailure) -> Value {
        let pending = FirstResult<Value>()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                pending.wait(continuation)
                DispatchQueue.global(qos: .utility).async {
                    do throws(WitnessFailure) {
                        pending.finish(.success(try body()))
                    } catch {
                        pending.finish(.failure(error))
                    }
                }
            }
        } onCancel: {
            pending.finish(.failure(.failed("given up")))
        }
        return try result.get()
    }
}

/// One result that one task waits for; the first one counts.
private final class FirstResult<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, WitnessFailure>
    typealias Waiter = CheckedContinuation<Outcome, Never>

    private let state = Mutex<(waiter: Waiter?, outcome: Outcome?)>((nil, nil))

    func wait(_ waiter: Waiter) {
        let outcome = state.withLock { state -> Outcome? in
            if let outcome = state.outcome { return outcome }
            state.waiter = waiter
            return nil
        }
        if let outcome { waiter.resume(returning: outcome) }
    }

    func finish(_ outcome: Outcome) {
        let waiter = state.withLock { state -> Waiter? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: outcome)
    }
}
