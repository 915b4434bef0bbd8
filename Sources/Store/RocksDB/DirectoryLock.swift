import Glibc

/// Keeps a second process out of a data directory: `flock` on a file in it, which also names the
/// process that holds it. The kernel lets go of it when the process dies, however it dies.
///
/// `@unchecked Sendable`: the descriptor is written in `init` and by `release`, which only the one
/// owner calls.
final class DirectoryLock: @unchecked Sendable {
    private var descriptor: Int32

    init(path: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .io(SystemFailure.text("open", path)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let text = SystemFailure.text("lock", path)
            close(descriptor)
            descriptor = -1
            throw isHeld ? .locked : .io(text)
        }
        // Only for people who look; a failure to write it is no failure of the lock.
        let line = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = line.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    deinit { release() }

    func release() {
        guard descriptor >= 0 else { return }
        // Closing alone would leave the lock to a child that was forked and has not yet executed
        // its program: it holds a copy of the descriptor for that moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
        descriptor = -1
    }
}
