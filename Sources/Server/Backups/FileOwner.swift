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
        let isWritable = faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0
        let refusal = refusal(
            path, owner: facts.st_uid, user: geteuid(), isWritable: isWritable)
        if let refusal { throw refusal }
    }

    /// nil: they are the same, or it is root's and lent to this user, as a volume is by its group
    /// (`fsGroup`): no server runs as root there, so that this user is the server's.
    static func refusal(
        _ path: String, owner: uid_t, user: uid_t, isWritable: Bool
    ) -> BackupFailure? {
        guard owner != user else { return nil }
        guard owner == 0 else {
            return .refused(
                "\(path) belongs to \(name(owner) ?? "user \(owner)"), and this is "
                    + "\(name(user) ?? "user \(user)"): the server could not use what is written "
                    + "now. Run it as its user: sudo -u \(name(owner) ?? "\\#\(owner)") strm "
                    + "restore …")
        }
        guard !isWritable else { return nil }
        // Not by sudo: what root writes the server cannot read.
        let own = name(user) ?? "\(user)"
        return .refused(
            "\(path) belongs to root, and \(own) may not write in it. Let root type chown \(own) "
                + "\(path), or make a directory in it that belongs to \(own), and name that")
    }

    /// nil: nobody has that number. `sudo` takes it behind `#`, which a shell must not see, `chown` as
    /// it is.
    private static func name(_ user: uid_t) -> String? {
        guard let entry = getpwuid(user), let name = entry.pointee.pw_name else { return nil }
        return String(cString: name)
    }
}
