import Foundation
import Testing

@testable import Vault

@Suite struct MasterKeyTests {
    private let raw: [UInt8] = (0..<32).map { UInt8($0 * 5) }

    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/master-\(UUID().uuidString)"
        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func file(_ bytes: [UInt8], mode: Int = 0o600) throws -> MasterKeySource {
            let name = path + "/key"
            _ = FileManager.default.createFile(
                atPath: name, contents: Data(bytes), attributes: [.posixPermissions: mode])
            return .file(name)
        }
    }

    private func read(_ source: MasterKeySource, seconds: Int = 20) throws(VaultError) -> [UInt8] {
        try MasterKey.read(source, commandSeconds: seconds).copy()
    }

    private func failure(_ source: MasterKeySource, seconds: Int = 20) -> VaultError? {
        do throws(VaultError) {
            _ = try read(source, seconds: seconds)
            return nil
        } catch {
            return error
        }
    }

    private var base64: String { Data(raw).base64EncodedString() }

    private var hexadecimal: String { raw.map { String(format: "%02x", $0) }.joined() }

    @Test("a file holds the key raw, in base64 or in hexadecimal, with a line end or without")
    func forms() throws {
        let folder = try Folder()
        let texts = [
            base64, "\(base64)\n", "\(base64)\r\n", hexadecimal, "\(hexadecimal)\n",
            "\(hexadecimal.uppercased())\r\n",
        ]
        for text in [raw] + texts.map({ Array($0.utf8) }) {
            #expect(try read(try folder.file(text)) == raw)
            try FileManager.default.removeItem(atPath: folder.path + "/key")
        }
        #expect(try read(try folder.file(raw, mode: 0o400)) == raw)
    }

    @Test(
        "a file that others may use is refused",
        arguments: [0o640, 0o604, 0o660, 0o666, 0o610, 0o601, 0o700, 0o644])
    func modes(mode: Int) throws {
        let folder = try Folder()
        let file = try folder.file(raw, mode: mode)
        let expected = VaultError.masterKey(
            "others may use the file \(folder.path)/key: its mode must be 0600 or 0400")
        #expect(throws: expected) { try read(file) }
    }

    @Test("a key of another length, or that is no base64, is refused")
    func lengths() throws {
        let hostile: [[UInt8]] = [
            [], Array(raw[..<31]), raw + [1], Array(base64.utf8.dropLast()),
            Array((base64 + "\n\n").utf8), Array((" " + base64).utf8),
            Array(base64.replacingOccurrences(of: "A", with: "-").utf8),
            [UInt8](repeating: 61, count: 44), [UInt8](repeating: 0, count: 1_000),
        ]
        let short = String(hexadecimal.dropLast())
        let digits = [short, "\(short)g", "\(short)\n\n", "\(hexadecimal)00", "0x\(short)"]
        for bytes in hostile + digits.map({ Array($0.utf8) }) {
            let folder = try Folder()
            let file = try folder.file(bytes)
            #expect(throws: VaultError.self, "\(bytes.count) bytes") { try read(file) }
        }
    }

    @Test("a link, a directory, a pipe or nothing in the file's place is refused at once")
    func notAFile() throws {
        let folder = try Folder()
        _ = try folder.file(raw)
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: folder.path + "/key")
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [link, folder.path, pipe, folder.path + "/none"] {
            #expect(throws: VaultError.self, "\(path)") { try read(.file(path)) }
        }
    }

    @Test("a file of another user is refused", .enabled(if: geteuid() == 0))
    func otherOwner() throws {
        let folder = try Folder()
        let file = try folder.file(raw)
        #expect(chown(folder.path + "/key", 65_534, 65_534) == 0)
        #expect(throws: VaultError.self) { try read(file) }
        #expect(
            failure(file)
                == .masterKey("the file \(folder.path)/key belongs to another user"))
    }

    @Test("a new key file is made once, for its owner alone")
    func create() throws {
        let folder = try Folder()
        let path = folder.path + "/new"
        try MasterKey.create(path: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let first = try read(.file(path))
        #expect(first.count == 32)
        #expect(throws: VaultError.self) { try MasterKey.create(path: path) }
        #expect(try read(.file(path)) == first)
    }

    @Test("an environment variable holds base64 or hexadecimal digits")
    func environment() throws {
        let name = "STRM_TEST_MASTER_\(UInt32.random(in: 0...UInt32.max))"
        #expect(
            failure(.environment(name))
                == .masterKeyAbsent("the environment variable \(name) is not set"))
        setenv(name, base64, 1)
        defer { unsetenv(name) }
        #expect(try read(.environment(name)) == raw)
        setenv(name, hexadecimal, 1)
        #expect(try read(.environment(name)) == raw)
        setenv(name, hexadecimal + "0", 1)
        #expect(throws: VaultError.self) { try read(.environment(name)) }
        setenv(name, "thirty-two characters, a phrase.", 1)
        #expect(throws: VaultError.self) { try read(.environment(name)) }
        setenv(name, base64 + base64, 1)
        #expect(throws: VaultError.self) { try read(.environment(name)) }
    }

    @Test("a command writes the key raw or in base64")
    func command() throws {
        #expect(try read(.command(["echo", base64])) == raw)
        let octal = raw.map { String(format: "\\%03o", $0) }.joined()
        #expect(try read(.command(["printf", octal])) == raw)
    }

    @Test("a command that fails, hangs, floods or is not there gives an error, not a key")
    func badCommands() throws {
        #expect(throws: VaultError.masterKeyAbsent("the command sh failed with status 3")) {
            try read(.command(["sh", "-c", "echo \(base64); exit 3"]))
        }
        // No time at all, so that the test waits for nothing.
        #expect(throws: VaultError.masterKeyAbsent("the command sleep takes too long")) {
            try read(.command(["sleep", "600"]), seconds: 0)
        }
        #expect(throws: VaultError.masterKey("the command yes writes too much")) {
            try read(.command(["yes"]))
        }
        #expect(throws: VaultError.self) { try read(.command(["/no/such/program"])) }
        #expect(throws: VaultError.self) { try read(.command([])) }
        #expect(throws: VaultError.self) { try read(.command([""])) }
        #expect(throws: VaultError.self) { try read(.command(["true"])) }
    }

    @Test("an error names the file, and of a link says what to do")
    func names() throws {
        let folder = try Folder()
        let none = folder.path + "/none"
        #expect(failure(.file(none)) == .masterKeyAbsent("the file \(none) is missing"))
        _ = try folder.file(raw)
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: folder.path + "/key")
        let text = failure(.file(link))?.description ?? ""
        #expect(text.contains("\(link) is a symbolic link, and links are not followed"))
        // What it says helps.
        #expect(text.hasSuffix("command:cat \(link)"))
        #expect(try read(.command(["cat", link])) == raw)
    }

    @Test("a command that a signal ends is told so, by its program and never its arguments")
    func signals() {
        let killed = failure(.command(["sh", "-c", "kill -9 $$ # SECRET"]))
        #expect(killed == .masterKeyAbsent("the command sh was ended by signal 9"))
        let closed = failure(.command(["sh", "-c", "exec >&-; exec sleep 600"]), seconds: 1)
        #expect(closed == .masterKeyAbsent("the command sh takes too long"))
        let missing = failure(.command(["/no/such/program", "SECRET"]))?.description ?? ""
        #expect(missing.contains("/no/such/program cannot be run"))
        #expect(!missing.contains("SECRET"))
    }

    @Test("what a command has started is killed with it")
    func processGroup() throws {
        let folder = try Folder()
        let note = folder.path + "/note"
        // It floods when the other program is there, so that the test waits for no deadline.
        let flooding = failure(.command(["sh", "-c", "sleep 600 & echo $! > \(note); yes"]))
        #expect(flooding == .masterKey("the command sh writes too much"))
        let text = try String(contentsOfFile: note, encoding: .utf8)
        let child = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        // It is gone, or a zombie until whoever adopts it looks.
        var isRunning = true
        for _ in 0..<10_000 where isRunning {
            let state = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
            isRunning = !state.isEmpty && !state.contains(") Z ")
            if isRunning { usleep(1_000) }
        }
        #expect(!isRunning)
    }

    @Test("no error shows the key")
    func silence() throws {
        let folder = try Folder()
        let file = try folder.file(Array(("SECRET" + base64).utf8))
        let error = #expect(throws: VaultError.self) { try read(file) }
        #expect(!String(describing: error).contains("SECRET"))
        #expect(!String(describing: error).contains(base64))
    }
}

@Suite struct ProcessHardeningTests {
    @Test("no core files, not dumpable, the signals of full disks and closed pipes ignored")
    func hardening() {
        #expect(ProcessHardening.apply() == [])
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
        #expect(limit.rlim_cur == 0)
        #expect(limit.rlim_max == 0)
        #expect(raise(SIGXFSZ) == 0)
        #expect(raise(SIGPIPE) == 0)
    }

    @Test("memory for keys is out of core files and says how much of it is locked")
    func lockedMemory() throws {
        let memory = try LockedMemory(byteCount: 100_000)
        #expect(memory.copy().allSatisfy { $0 == 0 })
        #expect(memory.lockedByteCount <= memory.byteCount)
        let address = memory.withBytes { UInt(bitPattern: $0.baseAddress) }
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        let maps = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
        var isInside = false
        var flags: Substring?
        for line in maps.split(separator: "\n") {
            let ends = line.prefix { $0 != " " }.split(separator: "-").map { UInt($0, radix: 16) }
            if ends.count == 2, let start = ends[0], let end = ends[1] {
                isInside = (start..<end).contains(address)
            } else if isInside && line.hasPrefix("VmFlags") {
                flags = line
            }
        }
        #expect(flags?.contains(" dd") == true)
        #expect(flags?.contains(" wf") == true)
        if memory.lockedByteCount > 0 { #expect(flags?.contains(" lo") == true) }
    }
}
