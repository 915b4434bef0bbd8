import Glibc

/// A restore is for the server's own user: what another one writes the server cannot read, and what
/// root writes nobody notices before the server starts.
enum FileOwner {
    /// Refuses to go on if a directory that is there belongs to somebody else. Follows links.
    /// - Throws: `.refused` with what to type; `.io` if it cannot be looked at.
    static func expectOwn(_ path: String) throws(BackupFailure) {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            guard errno != ENOENT else { return }
            let reason = String(cString: strerror(errno))
            throw .io("\(path) cannot be looked at: \(reason). Is this the server's user?")
        }
        if let refusal = refusal(path, owner: facts.st_uid, user: geteuid()) { throw refusal }
    }

    /// nil: they are the same.
    static func refusal(_ path: String, owner: uid_t, user: uid_t) -> BackupFailure? {
        guard owner != user else { return nil }
        let name = name(owner)
        return .refused(
            "\(path) belongs to \(name), and this is \(Self.name(user)): the server could not use "
                + "what is written now. Run it as its user: sudo -u \(name) strm restore …")
    }

    /// Its number, as a shell and `sudo` take it, if nobody has it.
    private static func name(_ user: uid_t) -> String {
        guard let entry = getpwuid(user), let name = entry.pointee.pw_name else {
            return "\\#\(user)"
        }
        return String(cString: name)
    }
}
