import Logging

/// A copy that lies in what it is a copy of, and is lost with it; or a backup beside a keyring, which
/// is what an old keyring must never be with.
///
/// Releases that did not look for it accepted it. A server goes on with it and says so, because it is
/// better than none and an upgrade stops nothing; what makes an installation or brings one back
/// refuses it.
struct MisplacedCopy: Sendable, Equatable {
    /// The setting that names the copy.
    var key: String
    var path: String
    /// What it lies in, in words, and where that is.
    var place: String
    var directory: String

    func warn(_ logger: Logger) {
        logger.warning(
            "a copy lies inside of what it should lie apart from: move it",
            metadata: [
                "setting": "\(key)", "path": "\(path)", "inside": "\(directory)",
                "of": "\(place)",
            ])
    }
}

extension BackupSettings {
    /// At most one of each copy. Blocks: asks the devices of all of these directories.
    var misplaced: [MisplacedCopy] {
        var places: [(name: String, directory: String)] = [
            (name: "keyring", directory: keyringDirectory),
            (name: "data", directory: dataDirectory),
        ]
        var found: [MisplacedCopy] = []
        if let escrowDirectory {
            let key = "keyring.escrow.directory"
            if let copy = Self.find(key, escrowDirectory, in: places) { found.append(copy) }
            places.insert((name: "escrow of the keyring", directory: escrowDirectory), at: 0)
        }
        if let directory, let copy = Self.find("backups.directory", directory, in: places) {
            found.append(copy)
        }
        return found
    }

    /// Blocks like `misplaced`.
    /// - Throws: `.invalid`, which names the first.
    func expectApart() throws(SettingsError) {
        guard let copy = misplaced.first else { return }
        throw .invalid(
            key: copy.key, expected: "a directory that is not inside that of the \(copy.place)")
    }

    /// - Parameter places: the first that it lies in is told, so the innermost come first.
    private static func find(
        _ key: String, _ path: String, in places: [(name: String, directory: String)]
    ) -> MisplacedCopy? {
        places.first { PlacePath.isInside(path, $0.directory) }.map { place in
            MisplacedCopy(
                key: key, path: path, place: place.name, directory: place.directory)
        }
    }
}
