/// Where a new master key may be kept.
extension Vault {
    /// Refuses a place where the program writes over files or takes them away, so that the key would
    /// be gone while the keyring is under it, and the place where it is. Ask before the change is put
    /// on record; the change asks again. Blocks: looks at directories.
    /// - Throws: `.badPlace`, `.unchanged`.
    package func checkMasterKeyPlace(_ source: MasterKeySource) throws(MasterKeyError) {
        switch source {
        case .given, .command: return
        case .environment:
            guard source != masterKeySource else { throw .unchanged }
        case .file(let path):
            try checkIsAnother(path)
            try checkName(MasterKeyFile.name(of: path))
            try checkDirectory(path)
        }
    }

    private func checkIsAnother(_ path: String) throws(MasterKeyError) {
        guard case .file(let current) = masterKeySource else { return }
        guard path != current else { throw .unchanged }
        // The same file by another path.
        guard let file = FileIdentity(path: path) else { return }
        guard file != FileIdentity(path: current) else { throw .unchanged }
    }

    /// Names of the keyring's generations and of a master key's, whichever directory they are in: they
    /// come and go beside a file of the name without its ending.
    private func checkName(_ name: String) throws(MasterKeyError) {
        guard !name.isEmpty, name != ".", name != ".." else {
            throw .badPlace(expected: "the path of a file")
        }
        guard !name.hasPrefix("keyring"), !name.hasSuffix(".next"), !name.hasSuffix(".old") else {
            throw .badPlace(
                expected: "a name that does not begin with keyring or end in .next or .old: files "
                    + "of such names are written over and removed")
        }
    }

    private func checkDirectory(_ path: String) throws(MasterKeyError) {
        if MasterKeyFile.lies(path: path, in: keyringPath) {
            guard MasterKeyFile.name(of: path).hasSuffix(".key") else {
                throw .badPlace(
                    expected: "a name that ends in .key, in the directory of the keyring")
            }
            return
        }
        let own = [
            FileIdentity(path: keyringPath), FileIdentity(path: erasuresDirectory),
            keyring.escrow?.place,
        ]
        let isInEscrow = configuration.escrowDirectory.map { Self.isNamed(path, below: $0) }
        guard !Self.lies(path, below: own.compactMap { $0 }), isInEscrow != true else {
            throw .badPlace(
                expected: "a file outside the directories of the keyring, its escrow and the "
                    + "erasure ledger; directly in that of the keyring its name ends in .key")
        }
    }

    /// True if the file lies in one of these directories, or in one inside them.
    private static func lies(_ path: String, below directories: [FileIdentity]) -> Bool {
        var place = MasterKeyFile.parent(of: path)
        var last: FileIdentity?
        // The root is its own parent.
        while let here = FileIdentity(path: place), here != last {
            if directories.contains(here) { return true }
            last = here
            place += "/.."
        }
        return false
    }

    /// The same by names alone: the device of an escrow may be away, or hang whoever looks at it.
    private static func isNamed(_ path: String, below directory: String) -> Bool {
        func parts(_ path: String) -> [Substring] {
            path.split(separator: "/").filter { $0 != "." }
        }
        return parts(path).starts(with: parts(directory))
    }
}
