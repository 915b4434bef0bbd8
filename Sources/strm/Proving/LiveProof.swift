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
    var keyring: String?
    var exports: String?
    var others: [String]
    var isWhole: Bool
    var identifier: Int32?

    func run(startedAt: Date) async throws -> (verdict: ProofResult.Verdict, document: JSONValue) {
        let credentials = try CredentialStore.standard().entries(for: server).clients
            .sorted { $0.key < $1.key }.map(\.value)
        var run = ProofRun(server, trusting: roots, credentials: credentials, levels: (0, 0))
        let levels = try await levels(run)
        run = ProofRun(server, trusting: roots, credentials: credentials, levels: levels)
        let (process, isDumpable) = try await look(run)
        do {
            try await run.makeAll()
        } catch {
            _ = await run.removeAll()
            throw error
        }
        Terminal.note("driving every path of \(server), with names that begin with \(run.name)")
        await run.sendAccepted()
        await run.sendRefused()
        await run.sendUnfit()
        await run.useSecrets()
        await run.readAll()
        await run.readRejections()
        await run.askAboutPeople(erases: false)
        await run.exportAll(below: exports)

        Terminal.note("searching")
        var search = ProofSearch(run.markers)
        let since = isWhole ? nil : startedAt.addingTimeInterval(-Self.clockSlackSeconds)
        let places = places(run)
        search.lookAt(places, since: since)
        search.lookAround(process, since: since, leavingOut: places)
        if others.isEmpty { run.leaveOut("search.given", "no logs or backups were named") }
        search.look(answers: run.answers)
        search.look(process: process, isDumpable: isDumpable)
        var remaining = await run.removeAll()
        if let exports, !removeExports(exports, run) { remaining.append("exported objects") }
        let result = ProofResult(
            run, search, mode: "live", startedAt: startedAt, needsTables: false, crashes: [],
            remaining: remaining)
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

    private func look(_ run: ProofRun) async throws -> (ProcessLook?, Bool?) {
        let reply = try await run.ask(.audit, "GET", "/v1/proofs/process")
        try reply.check("look at the server's process")
        let answer = try reply.json()
        let told = answer["pid"]?.integer.flatMap { Int32(exactly: $0) }
        let isDumpable = answer["isDumpable"].map { $0 == .boolean(true) }
        return ((identifier ?? told).flatMap { ProcessLook(of: $0) }, isDumpable)
    }

    private func places(_ run: ProofRun) -> [ProofSearch.Place] {
        var places = [ProofSearch.Place(name: "data", path: data, holdsControl: true)]
        places.append(.init(name: "keyring", path: keyring ?? "\(data)/keys"))
        for (index, path) in others.enumerated() {
            places.append(.init(name: "given.\(index + 1)", path: path))
        }
        if let exports, run.driven["connector.made"] != nil {
            places += ProofSearch.Place.bucket(exports, run)
        }
        return places
    }

    private func removeExports(_ exports: String, _ run: ProofRun) -> Bool {
        let path = "\(exports)/\(ProofRun.bucket)/\(run.name)"
        guard FileManager.default.fileExists(atPath: path) else { return true }
        return (try? FileManager.default.removeItem(atPath: path)) != nil
    }
}
