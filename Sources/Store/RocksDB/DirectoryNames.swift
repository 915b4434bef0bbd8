import Glibc

/// What lies in a directory, by name.
package enum DirectoryNames {
    /// The names that an open directory has from its position on, without "." and ".."; in no order.
    /// Blocks.
    /// - Parameter directory: of `opendir` or `fdopendir`, and still to be closed.
    package static func rest(of directory: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
