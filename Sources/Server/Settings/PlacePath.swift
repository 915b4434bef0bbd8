import Glibc

/// Paths of directories, compared by where they lead and not by how they are written.
enum PlacePath {
    /// Absolute, without `.`, `..` and empty parts; links are followed if all of it is there. Blocks.
    static func normalised(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        var parts: [Substring] = []
        for part in absolute(path).split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether the first is the second, or lies anywhere in it.
    static func isInside(_ path: String, _ directory: String) -> Bool {
        let (inner, outer) = (normalised(path), normalised(directory))
        return inner == outer || inner.hasPrefix(outer == "/" ? outer : outer + "/")
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }
}
