import Foundation
import Glibc
import Synchronization

/// A child process.
///
/// Not Foundation's `Process`: on Linux it hears of ends by a run loop of its own, and among some
/// thousands of short programs it ends the tests themselves by a segmentation fault now and then.
/// Here whoever asks looks, and no signal goes to a number that another process has got since.
final class Spawned: Sendable {
    enum Input {
        case file(String)
        /// Written by `writes`; its end comes with the end of the owner.
        case pipe
    }

    let identifier: pid_t
    /// As `waitpid` tells it; nil while it runs.
    private let ended: Mutex<Int32?> = Mutex(nil)
    /// The end of its standard input to write to, or -1.
    private let input: Int32
    /// The word of exit status 255, if somebody else took the true one.
    private static let unknown: Int32 = 255 << 8
    /// Writing to a program, or a server, that is gone is an error, and not the end of the tests.
    private static let ignoresBrokenPipes: Void = { _ = Glibc.signal(SIGPIPE, SIG_IGN) }()

    /// - Parameters:
    ///   - program: its path.
    ///   - output: a file that is there; what the program prints is added to it.
    ///   - errors: likewise.
    init(
        _ program: String, _ arguments: [String], environment: [String: String],
        directory: String, input: Input, output: String, errors: String
    ) throws {
        Self.ignoresBrokenPipes
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var ends: [Int32] = [-1, -1]
        defer { if ends[0] >= 0 { close(ends[0]) } }
        switch input {
        case .file(let path): posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
        case .pipe:
            guard pipe(&ends) == 0 else { throw Unexpected("no pipe") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        }
        for (descriptor, path) in [(Int32(1), output), (2, errors)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_APPEND, 0)
        }
        for descriptor in Self.open where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // Becomes the program once it is in the directory.
        let mover = "/usr/bin/env"
        let words = [mover, "-C", directory, program] + arguments
        var texts: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") }
        defer { for text in texts + settings { free(text) } }
        texts.append(nil)
        settings.append(nil)
        var child: pid_t = 0
        let result = posix_spawn(&child, mover, &actions, &attributes, &texts, &settings)
        guard result == 0 else {
            if ends[1] >= 0 { close(ends[1]) }
            throw Unexpected("\(program) cannot be run: \(String(cString: strerror(result)))")
        }
        identifier = child
        self.input = ends[1]
    }

    /// What a child would inherit: a pipe of whoever runs the tests that a server which outlives them
    /// holds open never ends.
    private static var open: [Int32] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return (names ?? []).compactMap { Int32($0) }
    }

    /// Ends with its owner, and leaves no zombie.
    deinit {
        signal(SIGKILL)
        if input >= 0 { close(input) }
        _ = waits()
    }

    /// Blocks until it has ended.
    /// - Returns: as `status`.
    @discardableResult
    func waits() -> Int32 {
        ended.withLock { status in
            while status == nil {
                var word: Int32 = 0
                if waitpid(identifier, &word, 0) == identifier {
                    status = word
                } else if errno != EINTR {
                    status = Self.unknown
                }
            }
        }
        return status ?? -1
    }

    var isRunning: Bool { ended.withLock { Self.look(identifier, &$0) } == nil }

    /// The exit status, or 128 plus the signal that ended it, as a shell would tell it; nil while it
    /// runs.
    var status: Int32? {
        ended.withLock { Self.look(identifier, &$0) }.map { word in
            let signal = word & 0x7F
            return signal == 0 ? word >> 8 & 0xFF : 128 + signal
        }
    }

    private static func look(_ identifier: pid_t, _ status: inout Int32?) -> Int32? {
        guard status == nil else { return status }
        var word: Int32 = 0
        let found = waitpid(identifier, &word, WNOHANG)
        if found == identifier { status = word }
        if found < 0 && errno != EINTR { status = unknown }
        return status
    }

    /// Nothing if it has ended.
    func signal(_ number: Int32) {
        ended.withLock { status in
            if Self.look(identifier, &status) == nil { _ = kill(identifier, number) }
        }
    }

    func writes(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Unexpected("the program takes no input") }
            bytes = bytes.dropFirst(count)
        }
    }
}
