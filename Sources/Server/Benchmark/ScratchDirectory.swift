import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A directory for one benchmark, under a name that nobody else has.
struct ScratchDirectory {
    let path: String

    /// - Parameter parent: made if it is missing; nil: the system's directory for temporary files.
    init(in parent: String?) throws {
        let files = FileManager.default
        let base = parent ?? files.temporaryDirectory.path
        let separator = base.hasSuffix("/") ? "" : "/"
        path = "\(base)\(separator)strm-bench-\(UUID().uuidString)"
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw StageBenchmarkError.unusable(directory: base)
        }
    }

    /// What cannot be removed stays: there is nobody to tell and nothing to be done.
    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// Says which disk is measured, and how fast it is.
enum DiskDescription {
    private static let probeBytes = 4_096

    /// The file system of a directory and the median time of a synced append of 4 KiB, of `probes`.
    /// - Throws: `.unusable` if nothing can be written there.
    static func text(of directory: String, probes: Int) throws -> String {
        let microseconds = try appendNanoseconds(in: directory, probes: probes) / 1_000
        return "\(fileSystem(of: directory)); one synced append of 4 KiB takes "
            + "\(Int(microseconds.rounded())) µs"
    }

    private static func appendNanoseconds(in directory: String, probes: Int) throws -> Double {
        let failure = StageBenchmarkError.unusable(directory: directory)
        let path = "\(directory)/probe"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 0x2A, count: probeBytes)
        let times = try (0..<probes).map { _ in
            Double(
                try StageMeter.elapsedNanoseconds {
                    guard write(descriptor, block, block.count) == block.count,
                        fsync(descriptor) == 0
                    else { throw failure }
                })
        }
        return StageBenchmark.median(times) ?? 0
    }

    /// The longest mount point above the directory, as the kernel lists it.
    private static func fileSystem(of directory: String) -> String {
        guard let resolved = realpath(directory, nil) else { return directory }
        defer { free(resolved) }
        let path = String(cString: resolved) + "/"
        var best: (mount: String, text: String)?
        for line in mounts().split(separator: "\n") {
            // Device, mount point, type; spaces in names are written as \040.
            let fields = line.split(separator: " ")
            guard fields.count > 2 else { continue }
            let mount = String(fields[1])
            let isAbove = path.hasPrefix(mount == "/" ? "/" : mount + "/")
            guard isAbove, mount.utf8.count >= best?.mount.utf8.count ?? 0 else { continue }
            best = (mount, "\(fields[2]) on \(fields[0]), mounted at \(mount)")
        }
        return best?.text ?? directory
    }

    /// Empty where the system has no such file.
    private static func mounts() -> String {
        guard let data = FileManager.default.contents(atPath: "/proc/self/mounts") else {
            return ""
        }
        return String(decoding: data, as: UTF8.self)
    }
}
