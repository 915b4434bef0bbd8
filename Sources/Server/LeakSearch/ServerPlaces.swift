import Buckets
import FoundationEssentials

/// The directories that a server writes to, by the words that `strm prove` has for them: the search
/// then looks where the server writes, not where a settings file lets one think that it does.
struct ServerPlaces: Sendable {
    /// Absolute paths on the server's machine; two may be the same. What is not configured is absent.
    let directories: [(name: String, path: String)]

    init(_ settings: ServerSettings) {
        let named: [(String, String?)] = [
            ("data", settings.directory), ("keyring", settings.keyringDirectory),
            ("erasures", settings.erasures.directory),
            ("escrow", settings.backups.escrowDirectory),
            ("backups", settings.backups.directory),
            ("exports", settings.exports.policy.localDirectory),
            ("temporary", FileManager.default.temporaryDirectory.path),
        ]
        // A path that is relative is so to where the server runs, which nobody else knows.
        let working = FileManager.default.currentDirectoryPath
        directories = named.compactMap { name, path in
            path.map { (name: name, path: $0.hasPrefix("/") ? $0 : "\(working)/\($0)") }
        }
    }
}
