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

    /// Every file below `tile`, relative to the directory.
    func tilePaths() throws(LogVerifier.ReadFailure) -> [String] {
        let root = path + "/tile"
        guard FileManager.default.fileExists(atPath: root) else { return [] }
        guard let files = FileManager.default.enumerator(atPath: root) else {
            throw .init(reason: "the directory cannot be listed")
        }
        var paths: [String] = []
        for case let relative as String in files {
            var isDirectory: ObjCBool = false
            let exists = FileManager.default.fileExists(
                atPath: root + "/" + relative, isDirectory: &isDirectory)
            if !exists || !isDirectory.boolValue { paths.append("tile/" + relative) }
        }
        return paths
    }

    private func isRegular(_ full: String) -> Bool {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: full)
            return attributes[.type] as? FileAttributeType == .typeRegular
        } catch {
            return false
        }
    }
}
