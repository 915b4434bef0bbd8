import Foundation

/// An ext4 file system in a file, mounted by loop: a disk whose power can be cut by copying the
/// file while it is in use. What was not synced is not in the copy.
final class LoopImage {
    let image: String
    let mountPoint: String
    private var isMounted = false

    /// Whether this machine lets us: root, and loop devices.
    static let isPossible: Bool = {
        guard geteuid() == 0, let scratch = try? Scratch() else { return false }
        return (try? LoopImage(in: scratch.path, name: "probe", megabytes: 16)) != nil
    }()

    init(in directory: String, name: String, megabytes: Int) throws {
        image = "\(directory)/\(name).img"
        mountPoint = "\(directory)/\(name)"
        try Self.shell("truncate -s \(megabytes)M '\(image)' && mkfs.ext4 -q -F '\(image)'")
        try mount()
    }

    /// A disk that holds what had reached this one's medium at this instant.
    init(copying other: LoopImage, in directory: String, name: String) throws {
        image = "\(directory)/\(name).img"
        mountPoint = "\(directory)/\(name)"
        try Self.shell("cp --sparse=always '\(other.image)' '\(image)'")
        // The journal is replayed by the mount, as after a real power cut.
        try mount()
    }

    deinit {
        guard isMounted else { return }
        // Lazily: a server that is being killed may hold a file for a moment longer.
        try? Self.shell("umount '\(mountPoint)' 2>/dev/null || umount -l '\(mountPoint)'")
    }

    private func mount() throws {
        try Self.shell("mkdir -p '\(mountPoint)' && mount -o loop '\(image)' '\(mountPoint)'")
        isMounted = true
    }

    private static func shell(_ command: String) throws {
        let process = try Spawned(
            "/bin/bash", ["-c", command], environment: ProcessInfo.processInfo.environment,
            directory: "/", input: .file("/dev/null"), output: "/dev/null", errors: "/dev/null")
        guard process.waits() == 0 else { throw Unexpected("failed: \(command)") }
    }
}
