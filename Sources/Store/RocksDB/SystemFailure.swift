import Glibc

/// Texts and small helpers for calls of the operating system.
enum SystemFailure {
    /// What `errno` says about an operation on a file. To be called right after the failure.
    static func text(_ operation: String, _ path: String) -> String {
        "\(operation) \(path): \(String(cString: strerror(errno)))"
    }

    static var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }

    static func error(_ operation: String, _ path: String) -> StoreError {
        isDiskFull ? .diskFull : .io(text(operation, path))
    }
}

/// Directories, as the store needs them.
enum Directories {
    /// Makes a directory and those above it (0700), and syncs the one that got a new entry.
    static func make(_ path: String) throws(StoreError) {
        guard access(path, F_OK) != 0 else { return }
        let above = parent(path)
        if above != path { try make(above) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SystemFailure.error("make", path)
        }
        try sync(above)
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes the names in a directory durable.
    static func sync(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure.error("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemFailure.error("sync", path) }
    }

    /// Makes the files of a directory durable, their names, and its own name.
    static func syncAll(_ path: String) throws(StoreError) {
        for name in names(path) {
            let file = "\(path)/\(name)"
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw SystemFailure.error("open", file) }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw SystemFailure.error("sync", file) }
        }
        try sync(path)
        try sync(parent(path))
    }

    /// Names in a directory, without "." and ".."; empty if it cannot be read.
    static func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        return DirectoryNames.rest(of: directory)
    }

    /// Bytes of the files directly in a directory.
    static func fileBytes(_ path: String) -> UInt64 {
        names(path).reduce(0) { sum, name in
            var facts = stat()
            return stat(path + "/" + name, &facts) == 0 ? sum + UInt64(facts.st_size) : sum
        }
    }

    /// Bytes that a user may still write on the file system of a directory; nil if unknown.
    static func freeBytes(_ path: String) -> UInt64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }
}
