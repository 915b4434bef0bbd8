import CPlatform
import Glibc

/// Runs a program without a shell and takes what it writes to its standard output.
enum CommandOutput {
    /// - Parameters:
    ///   - arguments: the program (looked up in PATH if it has no slash) and its arguments.
    ///   - bytesMax: more output is an error.
    ///   - seconds: how long it may take in all; then it is killed.
    static func read(
        _ arguments: [String], bytesMax: Int, seconds: Int
    ) throws(VaultError) -> [UInt8] {
        guard let program = arguments.first, !program.isEmpty else {
            throw .masterKey("no command is given")
        }
        var ends: [Int32] = [-1, -1]
        guard cplatform_pipe(&ends) == 0 else { throw .masterKey("no pipe for the command") }
        defer { close(ends[0]) }
        let child: pid_t
        do throws(VaultError) {
            child = try spawn(program, arguments, output: ends[1])
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        let deadline = now() + seconds * 1_000
        let output = drain(ends[0], of: program, bytesMax: bytesMax, deadline: deadline)
        if case .failure = output { killGroup(of: child) }
        let end = wait(for: child, deadline: deadline)
        var bytes = try output.get()
        guard case .exited(0) = end else {
            MasterKey.wipe(&bytes)
            throw .masterKeyAbsent("the command \(program) \(end.description)")
        }
        return bytes
    }

    /// How a command ended. Descriptions follow its name.
    private enum End {
        case exited(Int32)
        case signalled(Int32)
        case killed
        case unseen

        init(status: Int32) {
            // As <sys/wait.h> has it: the low seven bits are the signal, the next byte the status.
            let signal = status & 0x7F
            self = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
        }

        var description: String {
            switch self {
            case .exited(let status): "failed with status \(status)"
            case .signalled(let signal): "was ended by signal \(signal)"
            case .killed: "takes too long"
            case .unseen: "ended, and nobody knows how"
            }
        }
    }

    private static func spawn(
        _ program: String, _ arguments: [String], output: Int32
    ) throws(VaultError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        // Signals that we ignore stay ignored across exec unless they are reset.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        sigaddset(&defaults, SIGXFSZ)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // A group of its own: what it has started is killed with it.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        let result = posix_spawnp(&child, program, &actions, &attributes, &pointers, environ)
        guard result == 0 else {
            throw .masterKeyAbsent(
                "the command \(program) cannot be run: \(String(cString: strerror(result)))")
        }
        return child
    }

    /// The end of a child, which is killed if it still runs at the deadline: it may have closed its
    /// output and gone on.
    private static func wait(for child: pid_t, deadline: Int) -> End {
        var status: Int32 = 0
        var isLate = false
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { return isLate ? .killed : End(status: status) }
            if ended < 0 && errno != EINTR { return .unseen }
            if now() >= deadline {
                isLate = true
                killGroup(of: child)
            }
            _ = poll(nil, 0, 5)
        }
    }

    /// The child and all that it has started, unless that has made a group of its own. The child was
    /// not waited for yet: nobody else can have its number.
    private static func killGroup(of child: pid_t) {
        if kill(-child, SIGKILL) != 0 { kill(child, SIGKILL) }
    }

    /// Everything until the end of the output.
    private static func drain(
        _ file: Int32, of program: String, bytesMax: Int, deadline: Int
    ) -> Result<[UInt8], VaultError> {
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        defer { MasterKey.wipe(&bytes) }
        var filled = 0
        while true {
            let left = deadline - now()
            guard left > 0 else {
                return .failure(.masterKeyAbsent("the command \(program) takes too long"))
            }
            var wanted = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(clamping: left))
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let count = bytes.withUnsafeMutableBytes { room in
                Glibc.read(file, room.baseAddress.map { $0 + filled }, room.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                return .failure(.masterKey("the output of \(program) cannot be read"))
            }
            if count == 0 { return .success(Array(bytes[..<filled])) }
            filled += count
            if filled > bytesMax {
                return .failure(.masterKey("the command \(program) writes too much"))
            }
        }
    }

    /// Milliseconds of the monotonic clock.
    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }
}
