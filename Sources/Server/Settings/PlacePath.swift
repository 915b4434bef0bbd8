import Glibc

/// Paths of directories, compared by where they lead and not by how they are written.
enum PlacePath {
    /// So many links are followed in one path, as by the kernel: those of a circle never end.
    private static let linksMax = 40

    /// Absolute, without `.`, `..` and empty parts. Links are followed as far as the path is there; a
    /// directory that is not made yet is told by where it will be. Blocks.
    static func normalised(_ path: String) -> String {
        var parts: [String] = []
        var waiting = Self.parts(absolute(path))
        var linksLeft = linksMax
        while let part = waiting.popLast() {
            if part == ".." {
                // What stands before it has no link any more, so that this is its parent.
                _ = parts.popLast()
                continue
            }
            guard linksLeft > 0, let target = target(joined(parts + [part])) else {
                parts.append(part)
                continue
            }
            linksLeft -= 1
            if target.hasPrefix("/") { parts = [] }
            waiting += Self.parts(target)
        }
        return joined(parts)
    }

    /// Absolute, without `.`, `..` and empty parts, and without a look at any device.
    static func written(_ path: String) -> String {
        var parts: [String] = []
        for part in Self.parts(absolute(path)).reversed() {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return joined(parts)
    }

    /// Whether the first is the second, or lies anywhere in it. Blocks.
    static func isInside(_ path: String, _ directory: String) -> Bool {
        let (inner, outer) = (normalised(path), normalised(directory))
        return inner == outer || inner.hasPrefix(outer == "/" ? outer : outer + "/")
    }

    /// Last part first.
    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.reversed().map(String.init)
    }

    private static func joined(_ parts: [String]) -> String {
        "/" + parts.joined(separator: "/")
    }

    /// nil: it is no link, or not there, or cannot be looked at.
    private static func target(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }
}
