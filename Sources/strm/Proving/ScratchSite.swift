import Foundation
import Server

/// An installation of its own in a new directory, with a server that is started, killed and started
/// again: what nobody would do to a node that is in use.
///
///     ROOT/data         the data directory          ROOT/data/keys   keyring
///     ROOT/bucket       exports                     ROOT/log     all that the servers print
///     ROOT/temporary    TMPDIR of the servers       ROOT/work    where they run: core files
///     ROOT/home         credentials of strm init    ROOT/backups
final class ScratchSite {
    private static let secondsMax = 60

    let root: String
    private(set) var administrator: Credential
    private(set) var port = 0
    private var process: Process?

    var server: ServerURL? { ServerURL("http://127.0.0.1:\(port)") }
    var identifier: Int32? { process?.isRunning == true ? process?.processIdentifier : nil }
    func path(_ name: String) -> String { "\(root)/\(name)" }

    /// Makes the installation; no server runs yet.
    /// - Parameter parent: where the directory is made; nil: where temporary files belong.
    init(in parent: String?) throws {
        let base = parent ?? FileManager.default.temporaryDirectory.path
        root = "\(base)/strm-prove-\(UUID().uuidString)"
        administrator = Credential(clientId: "", clientSecret: "", role: "administrator")
        do {
            for name in ["temporary", "work", "home", "bucket", "backups", "log"] {
                try FileManager.default.createDirectory(
                    atPath: path(name), withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            }
        } catch {
            throw CommandFailure(
                .notConfigured, "cannot make a directory in \(base)",
                next: "--scratch-directory DIR names another place")
        }
        let output = Pipe()
        let initialising = try run(
            ["init", "--data", path("data"), "--output", "json"], output: output)
        // Read before the end: it is less than a pipe holds, and the secret is in no file.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        initialising.waitUntilExit()
        let answer = try? JSONValue(parsing: text)
        guard initialising.terminationStatus == 0,
            let id = answer?["administrator"]?["clientId"]?.string,
            let secret = answer?["administrator"]?["clientSecret"]?.string
        else {
            throw CommandFailure(
                .failed, "strm init failed in \(root)", next: "see \(path("log"))/init")
        }
        administrator.clientId = id
        administrator.clientSecret = secret
    }

    /// Returns when requests are answered.
    /// - Parameter isSealed: the server is told to take its master key from where none is.
    func start(isSealed: Bool = false) async throws {
        let file = path("data/port")
        try? FileManager.default.removeItem(atPath: file)
        let source = isSealed ? ["--master-key", "environment:STRM_PROVE_HAS_NONE"] : []
        process = try run(
            [
                "serve", "--data", path("data"), "--port", String(port), "--log-level", "trace",
                "--set", "exports.directory=\(path("bucket"))", "--set",
                "exports.intervalSecondsMin=1",
            ] + source, output: nil)
        for _ in 0..<Self.secondsMax * 50 {
            guard process?.isRunning == true else { break }
            if let text = try? String(contentsOfFile: file, encoding: .utf8),
                let number = Int(text.trimmingCharacters(in: .newlines))
            {
                // Kept for the next starts: the issuer of tokens holds it.
                port = number
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CommandFailure(
            .failed, "the scratch server does not start", next: "see \(path("log"))/serve")
    }

    /// Sends a signal and waits for the end; SIGKILL if that does not come.
    func end(_ signal: Int32) async {
        guard let process, process.isRunning else { return }
        kill(process.processIdentifier, signal)
        for _ in 0..<Self.secondsMax * 50 {
            guard process.isRunning else { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        self.process = nil
    }

    func remove() {
        // What stays is in the directory that the person was told.
        try? FileManager.default.removeItem(atPath: root)
    }

    /// The same program as this one. What it prints goes to files that are searched.
    private func run(_ arguments: [String], output: Pipe?) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: Self.program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: path("work"))
        var environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("STRM_") || name.hasPrefix("STRM_TEST_LEAK")
        }
        environment["STRM_HOME"] = path("home")
        environment["STRM_BACKUPS_DIRECTORY"] = path("backups")
        environment["TMPDIR"] = path("temporary")
        // A printer of backtraces would outlive a server that is killed.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let log = try Self.appending(path("log/\(arguments[0])"))
        process.standardError = log
        if let output { process.standardOutput = output } else { process.standardOutput = log }
        do {
            try process.run()
        } catch {
            throw CommandFailure(.failed, "cannot start \(Self.program)")
        }
        return process
    }

    private static func appending(_ path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure(.failed, "cannot write \(path)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private static var program: String {
        let running = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return running ?? Bundle.main.executablePath ?? CommandLine.arguments[0]
    }
}
