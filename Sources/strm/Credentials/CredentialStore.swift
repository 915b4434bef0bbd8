import Foundation

/// The one file in which the command line keeps client secrets: `credentials.json` in
/// `$STRM_HOME`, else in `$XDG_CONFIG_HOME/strm`, else in `~/.config/strm`; mode 0600 in a
/// directory of mode 0700.
///
///     { "version": 1,
///       "servers": {
///         "http://127.0.0.1:8080": {
///           "auditVerifierKey": "strm+6f1c…+…",
///           "clients": {
///             "administrator": { "clientId": "…", "clientSecret": "…", "role": "…" },
///             "demo": { …, "role": "streamOwner", "scope": "demo" } } } } }
///
/// A change writes a new file beside it, syncs it and renames it over the old one, under a lock
/// that commands running at the same time take in turn: no reader sees half a file, and no
/// command loses what another one stored.
struct CredentialStore {
    let directory: String
    var path: String { directory + "/credentials.json" }

    struct Server: Codable {
        var auditVerifierKey: String?
        /// The keys that followed from it, in their order; absent if the key was never changed.
        var laterVerifierKeys: [String]?
        /// The proofs of all changes of the key, in their order: what tells a log from before a change
        /// from one that the holder of the old key made up. Absent in files of earlier releases.
        var keyChangeProofs: [String]?
        var clients: [String: Credential] = [:]
    }

    private struct Document: Codable {
        var version = 1
        var servers: [String: Server] = [:]
    }

    static func standard() -> CredentialStore {
        let environment = ProcessInfo.processInfo.environment
        if let home = environment["STRM_HOME"], !home.isEmpty {
            return CredentialStore(directory: home)
        }
        if let configuration = environment["XDG_CONFIG_HOME"], !configuration.isEmpty {
            return CredentialStore(directory: configuration + "/strm")
        }
        let home = environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
        return CredentialStore(directory: home + "/.config/strm")
    }

    /// Everything that is stored for `server`; empty if there is nothing.
    func entries(for server: ServerURL) throws(CommandFailure) -> Server {
        try load().servers[server.credentialsKey] ?? Server()
    }

    /// The credential that fits `purpose` with the least power; ties go by name.
    /// - Throws: `notPermitted` if none fits, with what to type to get one.
    func credential(
        for purpose: Purpose, at server: ServerURL
    ) throws(CommandFailure) -> Credential {
        let clients = try entries(for: server).clients.sorted { $0.key < $1.key }.map(\.value)
        for role in purpose.roles {
            if let fitting = clients.first(where: { $0.role == role && purpose.fits($0) }) {
                return fitting
            }
        }
        throw CommandFailure(
            .notPermitted, "no stored credentials for \(server) may \(purpose.description)",
            next: purpose.remedy(server))
    }

    /// Writes what is there once more, so that what could not be stored later is known now: before a
    /// secret is made that is shown once.
    func checkWritable() throws(CommandFailure) {
        try change { _ in }
    }

    func store(
        _ credential: Credential, named name: String, at server: ServerURL
    ) throws(CommandFailure) {
        try change(server) { $0.clients[name] = credential }
    }

    func pinVerifierKey(_ key: String, at server: ServerURL) throws(CommandFailure) {
        try change(server) {
            $0.auditVerifierKey = key
            $0.laterVerifierKeys = nil
            $0.keyChangeProofs = nil
        }
    }

    /// Leaves what is there if the pinned key is another one, or more changes of it are stored: a
    /// command that ran beside the caller's was quicker.
    /// - Parameters:
    ///   - keys: all that follow from the pinned key, in their order; the caller has proven it.
    ///   - proofs: of all changes of the key, as they are in an export.
    ///   - first: the pinned key from which they follow.
    func pinLaterVerifierKeys(
        _ keys: [String], proofs: [String], following first: String, at server: ServerURL
    ) throws(CommandFailure) {
        try change(server) { entries in
            guard entries.auditVerifierKey == first,
                (entries.keyChangeProofs?.count ?? 0) <= proofs.count
            else { return }
            entries.laterVerifierKeys = keys.isEmpty ? nil : keys
            entries.keyChangeProofs = proofs.isEmpty ? nil : proofs
        }
    }

    /// For a server of whose log no key is pinned; one that is pinned stays.
    /// - Parameter keys: the oldest first, at least one.
    func pinFirstVerifierKeys(
        _ keys: [String], proofs: [String], at server: ServerURL
    ) throws(CommandFailure) {
        try change(server) { entries in
            guard entries.auditVerifierKey == nil else { return }
            entries.auditVerifierKey = keys.first
            entries.laterVerifierKeys = keys.count > 1 ? Array(keys.dropFirst()) : nil
            entries.keyChangeProofs = proofs.isEmpty ? nil : proofs
        }
    }

    /// Forgets the credentials whose name is `name` or that belong to the client `clientId`.
    /// - Returns: the names that were forgotten.
    func forget(
        name: String? = nil, clientId: String? = nil, scope: String? = nil, at server: ServerURL
    ) throws(CommandFailure) -> [String] {
        var forgotten: [String] = []
        try change(server) { entries in
            for (key, credential) in entries.clients
            where key == name || (clientId != nil && credential.clientId == clientId)
                || (scope != nil && credential.scope == scope)
            {
                entries.clients[key] = nil
                forgotten.append(key)
            }
        }
        return forgotten.sorted()
    }

    /// Puts aside all that is known of `server`, under a name with the date: a new data directory
    /// has other clients, but the old one may still be wanted on another port.
    func retireAll(at server: ServerURL, on date: Date) throws(CommandFailure) {
        try change { document in
            guard let old = document.servers.removeValue(forKey: server.credentialsKey) else {
                return
            }
            let time = Timestamp.text(Int64(date.timeIntervalSince1970 * 1000))
            document.servers["\(server.credentialsKey) until \(time)"] = old
        }
    }

    private func change(
        _ server: ServerURL, _ body: (inout Server) -> Void
    ) throws(CommandFailure) {
        try change { document in
            body(&document.servers[server.credentialsKey, default: Server()])
        }
    }

    private func change(_ body: (inout Document) -> Void) throws(CommandFailure) {
        try makeDirectory()
        let lock = open(path + ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw unusable("cannot be locked") }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw unusable("cannot be locked") }
        var document = try load()
        body(&document)
        try save(document)
    }

    private func load() throws(CommandFailure) -> Document {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw unusable("cannot be read") }
            return Document()
        }
        guard status.st_mode & 0o077 == 0 else {
            throw CommandFailure(
                .notConfigured, "\(path) holds secrets and others may read it",
                next: "chmod 600 \(path)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw unusable("cannot be read")
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: data) else {
            throw unusable("is not a credentials file")
        }
        return document
    }

    private func save(_ document: Document) throws(CommandFailure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else { throw unusable("cannot be written") }
        let draft = path + ".new"
        unlink(draft)
        let file = open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unusable("cannot be written") }
        defer { close(file) }
        let written = data.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard written == data.count, fsync(file) == 0, rename(draft, path) == 0 else {
            unlink(draft)
            throw unusable("cannot be written")
        }
    }

    private func makeDirectory() throws(CommandFailure) {
        guard !FileManager.default.fileExists(atPath: directory) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(
                .notConfigured, "the directory \(directory) cannot be made",
                next: "STRM_HOME=DIRECTORY names another place for credentials")
        }
    }

    private func unusable(_ what: String) -> CommandFailure {
        CommandFailure(
            .notConfigured, "the credentials file \(path) \(what)",
            next: "STRM_HOME=DIRECTORY names another place for credentials")
    }
}
