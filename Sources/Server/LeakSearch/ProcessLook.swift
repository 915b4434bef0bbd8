import Foundation

/// What the kernel shows of a running server to others: what it was started with, and whether a
/// crash could write its memory to a disk.
package struct ProcessLook: Sendable {
    /// Files of /proc that could be read: name and content, to be searched.
    package private(set) var texts: [(name: String, bytes: [UInt8])] = []
    /// Those that could not; of a process that must not be dumped the kernel keeps them from all but
    /// root.
    package private(set) var unreadable: [String] = []
    /// What the settings are, as the kernel spells them; `unknown` where it does not say.
    package private(set) var settings: [String: String] = [:]
    package let identifier: Int32
    /// Regular files that it has open, deleted ones too: the path in /proc through which each is read, and
    /// the name that it has.
    package private(set) var openFiles: [(path: String, name: String)] = []
    /// Where it runs, which is where most kernels put core files; nil: not readable.
    package private(set) var directory: String?
    /// As its environment says, else the system's; where files are that it made for a while.
    package private(set) var temporaryDirectory = "/tmp"
    package private(set) var user: UInt32?

    /// - Returns: nil if there is no such process, or the system has no /proc.
    package init?(of identifier: Int32) {
        self.identifier = identifier
        guard FileManager.default.fileExists(atPath: "/proc/\(identifier)/stat") else { return nil }
        for name in ["cmdline", "environ", "comm"] {
            take("/proc/\(identifier)/\(name)")
        }
        for child in Self.children(of: identifier) {
            for name in ["cmdline", "environ"] { take("/proc/\(child)/\(name)") }
        }
        lookAtLimits()
        lookAtFiles()
        let filter = Self.text("/proc/\(identifier)/coredump_filter")
        settings["coredumpFilter"] = filter ?? "unknown"
        settings["corePattern"] = Self.text("/proc/sys/kernel/core_pattern") ?? "unknown"
        settings["suidDumpable"] = Self.text("/proc/sys/fs/suid_dumpable") ?? "unknown"
        let status = Self.text("/proc/\(identifier)/status") ?? ""
        settings["swappedKiB"] = Self.number(status, "VmSwap:") ?? "unknown"
        settings["lockedKiB"] = Self.number(status, "VmLck:") ?? "unknown"
        let swaps = (Self.text("/proc/swaps") ?? "").split(separator: "\n").dropFirst()
        settings["swapAreas"] = String(swaps.count)
        settings["user"] = Self.number(status, "Uid:") ?? "unknown"
        user = Self.number(status, "Uid:").flatMap { UInt32($0) }
    }

    /// Whether its command line is one of `strm serve`.
    package var isServer: Bool {
        let line = texts.first { $0.name.hasSuffix("/cmdline") }?.bytes ?? []
        return line.split(separator: 0).contains { $0.elementsEqual("serve".utf8) }
    }

    private mutating func take(_ path: String) {
        if let bytes = Self.read(path) {
            texts.append((path, bytes))
        } else {
            unreadable.append(path)
        }
    }

    private mutating func lookAtFiles() {
        let files = FileManager.default
        let descriptors = "/proc/\(identifier)/fd"
        if let numbers = try? files.contentsOfDirectory(atPath: descriptors) {
            for number in numbers.sorted() {
                let path = "\(descriptors)/\(number)"
                var status = stat()
                guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                openFiles.append(
                    (path, (try? files.destinationOfSymbolicLink(atPath: path)) ?? path))
            }
        } else {
            unreadable.append(descriptors)
        }
        let working = "/proc/\(identifier)/cwd"
        directory = try? files.destinationOfSymbolicLink(atPath: working)
        if directory == nil { unreadable.append(working) }
        let environment = texts.first { $0.name == "/proc/\(identifier)/environ" }?.bytes ?? []
        for entry in environment.split(separator: 0) where entry.starts(with: "TMPDIR=/".utf8) {
            temporaryDirectory = String(decoding: entry.dropFirst(7), as: UTF8.self)
        }
    }

    /// `Max core file size  0  0  bytes`
    private mutating func lookAtLimits() {
        settings["coreLimit"] = "unknown"
        for line in (Self.text("/proc/\(identifier)/limits") ?? "").split(separator: "\n")
        where line.hasPrefix("Max core file size") {
            settings["coreLimit"] = line.dropFirst(18).split(separator: " ").first.map(String.init)
        }
    }

    private static func children(of identifier: Int32) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { child in
            let status = text("/proc/\(child)/status") ?? ""
            return number(status, "PPid:") == String(identifier)
        }
    }

    private static func number(_ status: String, _ name: String) -> String? {
        for line in status.split(separator: "\n") where line.hasPrefix(name) {
            return line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.first
                .map(String.init)
        }
        return nil
    }

    private static func text(_ path: String) -> String? {
        read(path).map {
            String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        do {
            return [UInt8](try file.readToEnd() ?? Data())
        } catch {
            return nil
        }
    }
}
