import CPlatform
import Glibc

/// Gets the master key from where it is kept.
enum MasterKey {
    static let byteCount = 32
    /// Base64 of 32 bytes.
    private static let textCount = 44
    /// Hexadecimal digits of 32 bytes. As base64 they would be 48 bytes: they can be nothing else.
    private static let digitCount = 64
    private static let outputBytesMax = 4_096

    /// The key, in locked memory.
    static func read(
        _ source: MasterKeySource, commandSeconds: Int
    ) throws(VaultError) -> LockedMemory {
        var bytes: [UInt8]
        switch source {
        case .given(let key): return key.memory
        case .file(let path): bytes = try readFile(path)
        case .environment(let name): bytes = try readEnvironment(name)
        case .command(let arguments):
            bytes = try CommandOutput.read(
                arguments, bytesMax: outputBytesMax, seconds: commandSeconds)
        }
        defer { wipe(&bytes) }
        guard var key = decode(bytes) else {
            throw .masterKey(
                "what \(place(source)) holds is not \(byteCount) bytes, raw, in base64 "
                    + "or as hexadecimal digits")
        }
        defer { wipe(&key) }
        let memory = try LockedMemory(byteCount: byteCount)
        memory.withMutableBytes { $0.copyBytes(from: key) }
        return memory
    }

    /// Where a key was looked for, in words: a path, a name, a program, never its arguments.
    private static func place(_ source: MasterKeySource) -> String {
        switch source {
        case .given: "an operator"
        case .file(let path): "the file \(path)"
        case .environment(let name): "the environment variable \(name)"
        case .command(let arguments): "the output of \(arguments.first ?? "")"
        }
    }

    /// Makes a file with a new random key: base64 and a line end, mode 0600, synced.
    /// - Throws: also if there is a file already.
    static func create(path: String) throws(VaultError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("cannot make the file \(path)") }
        defer { close(file) }
        var key = [UInt8](repeating: 0, count: byteCount)
        key.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        defer { wipe(&key) }
        var text = Base64Text.encode(key) + [UInt8(ascii: "\n")]
        defer { wipe(&text) }
        let written = text.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard written == text.count, fsync(file) == 0 else {
            throw failure("cannot write the file \(path)")
        }
        try syncDirectory(of: path)
    }

    static func isMissing(path: String) -> Bool {
        faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT
    }

    private static func syncDirectory(of path: String) throws(VaultError) {
        let end = path.lastIndex(of: "/")
        let parent = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("cannot open \(parent)") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("cannot sync \(parent)") }
    }

    private static func readFile(_ path: String) throws(VaultError) -> [UInt8] {
        // Not blocking, so that a named pipe in its place does not hang the start.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw cannotOpen(path, errno) }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw failure("cannot look at \(path)") }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw .masterKey("\(path) is not a regular file")
        }
        guard information.st_uid == geteuid() else {
            throw .masterKey("the file \(path) belongs to another user")
        }
        guard information.st_mode & 0o177 == 0 else {
            throw .masterKey("others may use the file \(path): its mode must be 0600 or 0400")
        }
        guard information.st_size <= digitCount + 2 else {
            throw .masterKey("the file \(path) is too long for a key")
        }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size))
        let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw failure("cannot read the file \(path)") }
        return bytes
    }

    private static func cannotOpen(_ path: String, _ number: Int32) -> VaultError {
        switch number {
        case ENOENT, ENOTDIR: .masterKeyAbsent("the file \(path) is missing")
        case ELOOP:
            // Whoever may change a link in its directory would choose the key.
            .masterKey(
                "\(path) is a symbolic link, and links are not followed: name the file that it "
                    + "leads to, or, for a secret that a platform mounts, command:cat \(path)")
        default: .masterKey("cannot open the file \(path): \(String(cString: strerror(number)))")
        }
    }

    private static func readEnvironment(_ name: String) throws(VaultError) -> [UInt8] {
        guard let value = getenv(name) else {
            throw .masterKeyAbsent("the environment variable \(name) is not set")
        }
        let text = UnsafeRawBufferPointer(start: value, count: strnlen(value, digitCount + 3))
        // 32 raw characters would be a pass phrase, not a key.
        guard text.count >= textCount else {
            throw .masterKey(
                "the environment variable \(name) is neither base64 nor hexadecimal of "
                    + "\(byteCount) bytes")
        }
        return Array(text)
    }

    /// 32 raw bytes, or 44 characters of base64 or 64 hexadecimal digits with at most one line end.
    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.count == byteCount { return bytes }
        var text = bytes[...]
        if text.last == UInt8(ascii: "\n") { text = text.dropLast() }
        if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
        if text.count == digitCount { return HexadecimalText.decode(text) }
        guard text.count == textCount, let key = Base64Text.decode(text), key.count == byteCount
        else { return nil }
        return key
    }

    static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { wipe($0) }
    }

    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        if let start = bytes.baseAddress { cplatform_zeroise(start, bytes.count) }
    }

    private static func failure(_ what: String) -> VaultError {
        .masterKey("\(what): \(String(cString: strerror(errno)))")
    }
}

/// Base64 of one short secret. Slow and plain, and without tables that would tell the secret to the
/// cache.
enum Base64Text {
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4 + 1)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var bits: UInt32 = 0
            for index in 0..<3 {
                bits = bits << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
            }
            for index in 0..<4 {
                text.append(
                    index <= count
                        ? character(bits >> UInt32(18 - 6 * index) & 63) : UInt8(ascii: "="))
            }
        }
        return text
    }

    /// nil if it is not canonical base64 with padding.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var seen = 0
        for byte in text.dropLast(padding) {
            guard let value = (0..<64).first(where: { character($0) == byte }) else { return nil }
            bits = bits << 6 | value
            seen += 1
            if seen % 4 == 0 {
                for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(bits >> shift & 0xFF)) }
                bits = 0
            }
        }
        if padding == 2 { bytes.append(UInt8(bits >> 4 & 0xFF)) }
        if padding == 1 {
            bytes.append(UInt8(bits >> 10 & 0xFF))
            bytes.append(UInt8(bits >> 2 & 0xFF))
        }
        return encode(bytes).elementsEqual(text) ? bytes : nil
    }

    private static func character(_ value: UInt32) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + UInt8(value)
        case 26..<52: UInt8(ascii: "a") + UInt8(value - 26)
        case 52..<62: UInt8(ascii: "0") + UInt8(value - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
