import Foundation
import Testing

/// An installation with many people, to which events keep coming while its server dies.
final class Interrupted {
    /// What a reader gets of somebody's fields.
    enum State { case open, sealed, mixed, missing }

    let deployment: Deployment
    /// Erasures by person, as they were answered.
    var erased: [String: String] = [:]
    private let survivors: Int
    private var tokens: [String: String] = [:]
    private var load: Running?
    private var acknowledgedPath: String { "\(deployment.scratch.path)/acknowledged" }
    private var checkpoint: String?

    private init(survivors: Int) throws {
        deployment = try Deployment()
        self.survivors = survivors
    }

    static func begin(survivors: Int) async throws -> Interrupted {
        let site = try Interrupted(survivors: survivors)
        let deployment = site.deployment
        try await deployment.expectSuccess(
            "init", "--data", deployment.data, "--single-person", "--master-key",
            "file:\(deployment.scratch.path)/master.key")
        try await deployment.start()
        try await Signup.prepare(deployment)
        try await Signup.derive(deployment)
        for role in ["dpo", "auditor"] {
            try await deployment.expectSuccess("create", "client", role)
        }
        for name in ["signups", "signups-1-2", "dpo"] {
            site.tokens[name] = try await deployment.token(name)
        }
        try await site.sends((0..<survivors).map { Signup.event("s-\($0)", Self.name($0), "pro") })
        site.load = try Running(
            Tool.python,
            [
                Tool.script("steady_signups.py"), String(deployment.port),
                site.tokens["signups"] ?? "", site.acknowledgedPath, "20", "100",
            ], in: deployment.scratch.path)
        await deployment.kill()
        return site
    }

    private static func name(_ number: Int) -> String { "survivor\(number)@example.com" }

    // MARK: Requests

    private struct Reply {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    /// The last request that was not answered, and why.
    private var unanswered = ""

    /// Why there is no answer to a request to a server that should not have died; -1: it lives.
    private func silence() async -> Unexpected {
        let status = await deployment.server?.waitForExit(seconds: 1)
        let log = deployment.server?.errors.suffix(2_000) ?? ""
        return Unexpected("\(unanswered), server \(status.map(String.init) ?? "none"): \(log)")
    }

    /// nil: the server died before it answered.
    private func asks(
        _ method: String, _ path: String, as client: String, _ type: String = "application/json",
        _ body: String = ""
    ) async throws -> Reply? {
        let finished = try await Tool.run(
            "/usr/bin/curl",
            [
                "-sS", "-i", "-X", method, "-H", "authorization: Bearer \(tokens[client] ?? "")",
                "-H", "content-type: \(type)", "-H", "expect:",
                "\(deployment.url)\(path)",
            ] + (method == "POST" ? ["--data-binary", "@-"] : []), input: body)
        guard finished.status == 0 else {
            unanswered = "\(method) \(path): curl \(finished.status) \(finished.errors)"
            return nil
        }
        let parts = finished.output.components(separatedBy: "\r\n\r\n")
        var headers: [String: String] = [:]
        let lines = parts[0].components(separatedBy: "\r\n")
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1).map(String.init)
            if pair.count == 2 {
                headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces)
            }
        }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Reply(
            status: status, headers: headers,
            body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    func sends(_ events: [String]) async throws {
        for start in stride(from: 0, to: events.count, by: 500) {
            let piece = events[start..<min(start + 500, events.count)].joined(separator: "\n")
            let reply = try await asks(
                "POST", "/events", as: "signups", "application/x-ndjson", piece)
            guard let reply else { throw await silence() }
            guard (200..<300).contains(reply.status) else {
                throw Unexpected("events were not taken: \(reply.body)")
            }
        }
    }

    /// nil: the server died before it answered.
    func erases(_ person: String, now: Bool) async throws -> [String: Any]? {
        let reply = try await asks(
            "POST", "/v1/subjects/erasures", as: "dpo", "application/json",
            "{\"subject\":\"\(person)\",\"now\":\(now)}")
        guard let reply else { return nil }
        guard (200..<300).contains(reply.status) else {
            throw Unexpected("an erasure was answered with \(reply.status): \(reply.body)")
        }
        return try Finished(status: 0, output: reply.body, errors: "").json()
    }

    private func page(_ cursor: String?) async throws -> (cursor: String, events: [[String: Any]]) {
        let place = cursor.map { "&cursor=\($0)" } ?? ""
        let reply = try await asks(
            "GET", "/v1/streams/signups-1-2/events?limit=1000\(place)", as: "signups-1-2")
        guard let reply else { throw await silence() }
        guard reply.status == 200, let next = reply.headers["strm-next-cursor"] else {
            throw Unexpected("no page of events: \(reply.body)")
        }
        let lines = reply.body.split(separator: "\n")
        return (
            next,
            try lines.map {
                try Finished(status: 0, output: String($0), errors: "").json()
            }
        )
    }

    private var lastHead: String?

    /// The cursor behind the last event.
    func head() async throws -> String {
        while true {
            let (next, events) = try await page(lastHead)
            lastHead = next
            if events.count < 1_000 { return next }
        }
    }

    /// What a reader gets of the person's events after `place`.
    func state(of person: String, from place: String) async throws -> State {
        var place = place
        var found: [[String: Any]] = []
        while true {
            let (next, events) = try await page(place)
            // The session is the key field, in clear.
            found += events.filter {
                ($0["session"] as? String)?.hasPrefix("\(person)-") ?? false
            }
            place = next
            if events.count < 1_000 { break }
        }
        return Self.state(of: found, person, "pro")
    }

    private static func state(of events: [[String: Any]], _ email: String, _ plan: String) -> State
    {
        if events.isEmpty { return .missing }
        let isOpen = events.allSatisfy {
            $0["email"] as? String == email && $0["plan"] as? String == plan
        }
        if isOpen { return .open }
        let isClosed = events.allSatisfy { isSealed($0["email"]) && isSealed($0["plan"]) }
        return isClosed ? .sealed : .mixed
    }

    // MARK: What must hold

    func expectsDeath(_ step: String) async throws {
        let server = try #require(deployment.server)
        let status = await server.waitForExit(seconds: 60)
        #expect(status == 128 + SIGKILL, "before \(step)")
        await deployment.kill()
    }

    /// Events of other people are taken again.
    func expectsIngest() async throws {
        let before = acknowledged.count
        let isTaken = await Wait.until(seconds: 60) { acknowledged.count > before + 1 }
        #expect(isTaken, "no event was taken in a minute")
    }

    private var acknowledged: [String] { Load.read(acknowledgedPath) }

    /// Reads all that there is, with a cold cache: everybody else's fields are open, the erased
    /// people's are not; the audit log verifies, and continues what was exported before.
    func expectsEverything() async throws {
        try await deployment.start()
        let taken = acknowledged
        var bySession: [String: [[String: Any]]] = [:]
        var place: String?
        while true {
            let (next, events) = try await page(place)
            for event in events {
                bySession[event["session"] as? String ?? "", default: []].append(event)
            }
            place = next
            if events.count < 1_000 { break }
        }
        let lost = (0..<survivors).filter {
            Self.state(of: bySession["s-\($0)"] ?? [], Self.name($0), "pro") != .open
        }
        #expect(lost.isEmpty, "\(lost.count) of \(survivors) survivors")
        for person in erased.keys {
            let events = bySession.filter { $0.key.hasPrefix("\(person)-") }.flatMap(\.value)
            #expect(Self.state(of: events, person, "pro") == .sealed, "\(person)")
        }
        let steady = bySession.filter { $0.key.hasPrefix("steady-") }
        for (session, events) in steady {
            let email = session.replacingOccurrences(of: "-", with: "") + "@example.com"
            #expect(events.allSatisfy { $0["email"] as? String == email }, "\(session)")
        }
        let plans = Set(steady.flatMap(\.value).compactMap { $0["plan"] as? String })
        #expect(Set(taken).subtracting(plans).isEmpty, "acknowledged events are missing")
        try await expectsAuditLog()
        await deployment.kill()
    }

    private func expectsAuditLog() async throws {
        let exported = "\(deployment.scratch.path)/audit-\(erased.count)"
        try await deployment.expectSuccess("audit", "export", exported)
        try await deployment.expectSuccess(
            ["audit", "verify", exported] + (checkpoint.map { ["--older", $0] } ?? []))
        checkpoint = "\(exported)/checkpoint"
    }

    /// Each erasure was asked for once and completed once, by ledger and audit log.
    func ends(erasures count: Int) async throws {
        #expect(erased.count == count)
        let ids = erased.values.sorted()
        #expect(Set(ids).count == count)
        try await deployment.start()
        for act in ["erasureRequested", "erasureCompleted"] {
            let listed = try await deployment.expectSuccess(
                "audit", "list", "--act", act, "--limit", "100000", "--output", "json"
            ).json()
            let found = (listed["items"] as? [[String: Any]] ?? []).compactMap {
                value($0, "detail", "erasure") as? String
            }
            #expect(found.sorted() == ids, "\(act)")
        }
        let listed = try await deployment.expectSuccess(
            "subject", "erasures", "--state", "destroyed", "--output", "json"
        ).json()
        let destroyed = (listed["items"] as? [[String: Any]] ?? []).compactMap {
            $0["id"] as? String
        }
        #expect(destroyed.sorted() == ids)
        load?.signal(SIGTERM)
        _ = await load?.waitForExit(seconds: 20)
        #expect(await deployment.stop() == 0)
        #expect(!deployment.logs.contains("@example.com"))
    }
}
