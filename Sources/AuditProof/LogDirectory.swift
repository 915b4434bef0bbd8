import Foundation

/// The files of an exported log. Only `LogVerifier` reads by it, so that this is the one place of the
/// module that touches a disk.
struct LogDirectory {
    let path: String

    /// nil if there is no such file.
    func read(
        _ relative: String, byteCountMax: Int
    ) throws(LogVerifier.ReadFailure) -> [UInt8]? {
        let full = path + "/" + relative
        guard FileManager.default.fileExists(atPath: full) else { return nil }
        // A pipe or a device in the place of a file could keep the reader for ever.
        guard isRegular(full) else { throw .init(reason: "not a regular file") }
        guard let handle = FileHandle(forReadingAtPath: full) else {
            throw .init(reason: "no permission")
        }
        defer { try? handle.close() }
        let data: Data?
        do {
            // One byte more than allowed, to notice a file that is too long without reading it all.
            data = try handle.read(upToCount: byteCountMax + 1)
        } catch {
            throw .init(reason: "an error of the file system")
        }
        let bytes = data.map { [UInt8]($0) } ?? []
        guard bytes.count <= byteCountMax else {
            throw .init(reason: "more than \(byteCountMax) bytes")
        }
        return bytes
    }

    /// Every file below `tile`, relative to the directory. A symbolic link to a folder counts as a
    /// file: what lies behind it is not listed, and no tile needs one.
    func tilePaths() throws(LogVerifier.ReadFailure) -> [String] {
        // `tile` itself may be a link: the enumerator would not follow it.
        let root = URL(filePath: path + "/tile").resolvingSymlinksInPath().path
        guard FileManager.default.fileExists(atPath: root) else { return [] }
        guard let files = FileManager.default.enumerator(atPath: root) else {
            throw .init(reason: "the directory cannot be listed")
        }
        var paths: [String] = []
        for case let relative as String in files {
            if kind(of: root + "/" + relative) != .typeDirectory {
                paths.append("tile/" + relative)
            }
        }
        return paths
    }

    private func isRegular(_ full: String) -> Bool { kind(of: full) == .typeRegular }

    /// Of a symbolic link its own, not that of what it points at; nil if it cannot be told.
    private func kind(of full: String) -> FileAttributeType? {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: full)
            return attributes[.type] as? FileAttributeType
        } catch {
            return nil
        }
    }
}
