package import AuditProof
import Foundation
package import Store

extension AuditLog {
    /// Writes the log as it is now into a new directory, as C2SP tlog-tiles lays it out: entry
    /// bundles, tiles, and, last, the signed checkpoint: without a checkpoint the export is not
    /// complete. Blocks; costs a read of the whole log. Nothing is synced.
    ///
    /// - Parameter directory: made (0700), its files 0600; must be missing or empty.
    /// - Throws: `.io` if it is not, or if writing fails; `.corrupt` if the stored log is damaged.
    package func export(
        to directory: String
    ) throws(StoreError) -> (size: UInt64, root: TreeHash) {
        let (checkpoint, note) = try signedTree()
        let files = FileManager.default
        if let found = try? files.contentsOfDirectory(atPath: directory), !found.isEmpty {
            throw .io("the directory for the export is not empty")
        }
        try makeDirectory(directory)
        try TilePath.forEach(size: checkpoint.size) { tile throws(StoreError) in
            let path = directory + "/" + tile.description
            try makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
            try write(try read(tile), to: path)
        }
        try write(Array(note.utf8), to: directory + "/checkpoint")
        return (checkpoint.size, checkpoint.root)
    }

    private func makeDirectory(_ path: String) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw .io("a directory of the export cannot be made")
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(StoreError) {
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw .io("a file of the export cannot be written") }
    }
}
