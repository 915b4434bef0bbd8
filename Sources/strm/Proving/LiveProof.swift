import Foundation
import NIOSSL
import Server

/// `strm prove` on a node that is in use: with names of its own, removed at the end, and no crash.
struct LiveProof {
    /// Files last touched before the beginning hold nothing of this run; clocks of file systems
    /// may be so much behind.
    static let clockSlackSeconds = 60.0

    let server: ServerURL
    let roots: NIOSSLTrustRoots
    let data: String
    /// As somebody named them on the command line; nil: as the server says.
    var keyring: String?
    var exports: String?
    /// `DIR/strm.json`, for a server that does not say: one of an older version.
    var settings: JSONValue?
    var others: [String]
    var isWhole: Bool
    var identifier: Int32?

    func run(startedAt: Date) async throws -> (verdict: ProofResult.Verdict, document: JSONValue) {
        let credentials = try CredentialStore.standard().entries(for: server).clients
            .sorted { $0.key < $1.key }.map(\.value)
        var run = ProofRun(server, trusting: roots, credentials: credentials, levels: (0, 0))
        let levels = try await levels(run)
        run = ProofRun(server, trusting: roots, credentials: credentials, levels: levels)
        let told = try await look(run)
        let exports = exports ?? told.directories["exports"] ?? named("exports")
        do {
            try await run.makeAll()
        } catch {
            _ = await run.removeAll()
            throw error
        }
        Terminal.note("driving every path of \(server), with names that begin with \(run.name)")
        await run.sendAndRead()
        await run.askAboutPeople(erases: false)
        await run.exportAll(below: exports)

        Terminal.note("searching")
        var search = ProofSearch(run.markers)
        let since = isWhole ? nil : startedAt.addingTimeInterval(-Self.clockSlackSeconds)
        let places = places(run, told, exports)
        search.lookAt(places, since: since)
        search.lookAround(
            told.process, temporary: temporary(run, told), since: since, leavingOut: places)
        if others.isEmpty { run.leaveOut("search.given", "no logs or backups were named") }
        search.look(answers: run.answers)
        search.look(process: told.process, isDumpable: told.isDumpable)
        var remaining = await run.removeAll()
        if let exports, !removeExports(exports, run) { remaining.append("exported objects") }
        let result = ProofResult(
            run, search, mode: "live", startedAt: startedAt, needsTables: false, expected: nil,
            crashes: [], remaining: remaining)
        return (result.verdict, try await result.signed(by: run))
    }

    /// The two lowest levels that have a purpose, or the one twice.
    private func levels(_ run: ProofRun) async throws -> (Int64, Int64) {
        let reply = try await run.ask(.look, "GET", "/v1/purposes")
        try reply.check("read the purposes")
        let levels = try (reply.json()["items"]?.array ?? []).compactMap { $0["level"]?.integer }
        guard let first = levels.first else {
            throw CommandFailure(
                .failed, "no consent level has a purpose, so nothing personal can be sent",
                next: "strm set purpose --help")
        }
        return (first, levels.dropFirst().first ?? first)
    }

    /// What the server tells of itself, and what the kernel shows of it.
    private struct Told {
        var process: ProcessLook?
        var isDumpable: Bool?
        /// The directories that it writes to; empty: it does not say.
        var directories: [String: String] = [:]
    }

    private func look(_ run: ProofRun) async throws -> Told {
        let reply = try await run.ask(.audit, "GET", "/v1/proofs/process")
        try reply.check("look at the server's process")
        let answer = try reply.json()
        var told = Told()
        let number = answer["pid"]?.integer.flatMap { Int32(exactly: $0) }
        told.process = (identifier ?? number).flatMap { ProcessLook(of: $0) }
        told.isDumpable = answer["isDumpable"].map { $0 == .boolean(true) }
        if case .object(let members)? = answer["directories"] {
            told.directories = members.compactMapValues(\.string)
        }
        return told
    }

    private func named(_ section: String) -> String? { settings?[section]?["directory"]?.string }

    private func places(
        _ run: ProofRun, _ told: Told, _ exports: String?
    ) -> [ProofSearch.Place] {
        var places = [ProofSearch.Place(name: "data", path: data, holdsControl: true)]
        let keys = keyring ?? told.directories["keyring"] ?? named("keyring") ?? "\(data)/keys"
        places.append(.init(name: "keyring", path: keys))
        if let exports, run.driven["connector.made"] != nil {
            places += ProofSearch.Place.bucket(exports, run)
        }
        for (index, path) in others.enumerated() {
            places.append(.init(name: "given.\(index + 1)", path: path))
        }
        for (name, path) in told.directories.sorted(by: { $0.key < $1.key }) {
            // Temporary files of others are no concern of this server: lookAround.
            guard name != "temporary", isWithinReach(path, name, run) else { continue }
            let real = LeakSearch.resolved(path)
            guard !places.contains(where: { LeakSearch.resolved($0.path) == real }) else {
                continue
            }
            let isNamed = places.contains { $0.name == name }
            places.append(
                .init(
                    name: isNamed ? "server.\(name)" : name, path: path,
                    needs: ["data", "keyring"].contains(name) ? .files : .directory))
        }
        return places
    }

    /// Without `--pid` a path of the server that is not there is searched all the same, which makes it
    /// a doubt. With it the server may have other directories than this command, such as in a
    /// container: then the person names those that they have for it, and what is missing is told.
    private func isWithinReach(_ path: String, _ name: String, _ run: ProofRun) -> Bool {
        if identifier == nil || FileManager.default.fileExists(atPath: path) { return true }
        let isNamed =
            switch name {
            case "data": true
            case "keyring": keyring != nil
            case "exports": self.exports != nil
            default: false
            }
        if !isNamed {
            run.leaveOut("search.\(name)", "the server has \(path), which is not there for prove")
        }
        return false
    }

    /// nil: out of reach.
    private func temporary(_ run: ProofRun, _ told: Told) -> String? {
        let path = told.directories["temporary"] ?? told.process?.temporaryDirectory
        return path.flatMap { isWithinReach($0, "temporary", run) ? $0 : nil }
    }

    private func removeExports(_ exports: String, _ run: ProofRun) -> Bool {
        let path = "\(exports)/\(ProofRun.bucket)/\(run.name)"
        guard FileManager.default.fileExists(atPath: path) else { return true }
        return (try? FileManager.default.removeItem(atPath: path)) != nil
    }
}
