import Foundation
import Server

/// `strm prove --scratch`: everything, on an installation that is made for it and removed again.
struct ScratchProof {
    let site: ScratchSite
    let roots = ConnectionOptions.systemRoots

    /// How long events are sent before the server is killed under them.
    private static let crashMilliseconds = 300

    init(in parent: String?) throws { site = try ScratchSite(in: parent) }

    private var keyring: String { site.path("data/keys") }

    func run(startedAt: Date) async throws -> (verdict: ProofResult.Verdict, document: JSONValue) {
        Terminal.note("scratch installation in \(site.root)")
        try await site.start()
        let run = try await prepare()
        try await driveAll(run)
        var looks = [try await look(run)]

        Terminal.note("killing the server under load")
        try await crash(run)
        // What the crash left, before the next start tidies up.
        var search = ProofSearch(run.markers)
        search.lookAt(places(run), since: nil)

        try await site.start()
        await run.sendAccepted()
        await run.readAll()
        await site.end(SIGSEGV)
        try await site.start(isSealed: true)
        await run.unseal(from: keyring)
        await site.end(SIGTERM)
        try await site.start()
        await run.readRejections()
        looks.append(try await look(run))
        await site.end(SIGTERM)
        await run.markCustody(in: keyring)

        Terminal.note("searching")
        var final = ProofSearch(run.markers)
        final.lookAt(places(run), since: nil)
        final.look(answers: run.answers)
        for (process, isDumpable) in looks {
            final.look(process: process, isDumpable: isDumpable)
        }
        // Whatever else it had open; the temporary files are its own.
        final.add(search)
        let result = ProofResult(
            run, final, mode: "scratch", startedAt: startedAt, needsTables: true,
            expected: ProofCoverage.scratch, crashes: ["SIGKILL under load", "SIGSEGV"],
            remaining: [])
        try await site.start()
        let document = try await result.signed(by: run)
        await site.end(SIGTERM)
        return (result.verdict, document)
    }

    private func driveAll(_ run: ProofRun) async throws {
        await run.markCustody(in: keyring)
        try await run.makeAll()
        Terminal.note("driving every path of \(run.server)")
        await run.sendAndRead()
        await run.askAboutPeople(erases: true)
        await run.markCustody(in: keyring)
        await run.backUp()
        await run.exportAll(below: site.path("bucket"))
    }

    private func crash(_ run: ProofRun) async throws {
        // Behind whatever has emptied the write-ahead log, such as a backup.
        await run.sendControl()
        await run.markCustody(in: keyring)
        let load = try await run.makeLoad()
        async let acknowledged = load.run()
        try await Task.sleep(for: .milliseconds(Self.crashMilliseconds))
        await site.end(SIGKILL)
        let count = await acknowledged
        await run.drive("event.crash", count: count) {
            if count == 0 { throw ProofGap("no event was taken before the crash") }
        }
    }

    /// Purposes, and people who are not the administrator.
    private func prepare() async throws -> ProofRun {
        guard let server = site.server else {
            throw CommandFailure(.failed, "the scratch server has no address")
        }
        let run = ProofRun(
            server, trusting: roots, credentials: [site.administrator], levels: (1, 2))
        run.mark(credential: site.administrator.clientSecret, "clientSecret.administrator")
        for level in 1...2 {
            let reply = try await run.ask(
                .definePurposes, "PUT", "/v1/purposes/\(level)",
                json: .object([
                    "name": .string("Purpose \(level)"), "description": "For strm prove",
                    "legalBasis": "consent", "owner": "strm prove",
                ]))
            try reply.check("set a purpose")
        }
        for role in ["dpo", "author", "auditor"] {
            let reply = try await run.ask(
                .manage, "POST", "/v1/clients", json: .object(["role": .string(role)]))
            try reply.check("make the \(role)")
            try run.adopt(reply.json(), role: role, scope: nil)
        }
        return run
    }

    private func look(_ run: ProofRun) async throws -> (ProcessLook?, Bool?) {
        let reply = try await run.ask(.audit, "GET", "/v1/proofs/process")
        let isDumpable = try reply.json()["isDumpable"].map { $0 == .boolean(true) }
        return (site.identifier.flatMap { ProcessLook(of: $0) }, isDumpable)
    }

    private func places(_ run: ProofRun) -> [ProofSearch.Place] {
        [
            .init(name: "data", path: site.path("data"), holdsControl: true),
            // Nothing of what is in it may be in any other place, the backup included.
            .init(name: "keyring", path: keyring, byRight: [.custody]),
            .init(name: "log", path: site.path("log")),
            .init(name: "temporary", path: site.path("temporary"), needs: .directory),
            .init(name: "work", path: site.path("work"), needs: .directory),
            .init(
                name: "backup", path: site.path("backups"),
                holdsControl: run.driven["backup.made"] != nil,
                needs: run.driven["backup.made"] == nil ? .directory : .files),
            // strm init keeps the administrator's secret there, for its user alone.
            .init(name: "home", path: site.path("home"), byRight: [.credential]),
        ] + ProofSearch.Place.bucket(site.path("bucket"), run)
    }
}
