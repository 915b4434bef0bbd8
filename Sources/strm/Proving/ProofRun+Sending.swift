import Foundation
import NIOCore
import NIOSSL
import Server

/// Every way in: accepted, only checked, refused.
extension ProofRun {
    var sending: Purpose { .send(stream: name) }
    private static let json = ("content-type", "application/json")

    /// An event of which every personal field has a marker of its own.
    func event(_ path: String, remark: String = "none", number: Int64 = 1) -> ProofEvent {
        ProofEvent(
            contract: contract.ref, levels: [levels.0, levels.1], session: mark("\(path) session"),
            email: "\(mark("\(path) email"))@example.com", note: mark("\(path) note"),
            tags: [mark("\(path) tags")], remark: remark, number: number)
    }

    /// An event with a marker in a field that is not personal: the search must find that.
    func sendControl() async {
        await drive("event.control") {
            let control = mark("event.control remark", .control)
            let reply = try await ask(
                sending, "POST", "/event", body: event("event.control", remark: control).line)
            try expect(reply, 204)
        }
    }

    func sendAccepted() async {
        await sendControl()
        await drive("event.json.http1") {
            let reply = try await ask(
                sending, "POST", "/event", body: event("event.json.http1").line)
            try expect(reply, 204)
        }
        await drive("event.json.http2") {
            let reply = try await raw(
                "POST", "/event",
                [
                    try await bearer(sending), Self.json,
                    ("strm-serialization-type", "application/json"),
                ], event("event.json.http2").line)
            try expect(reply, 204)
        }
        await drive("event.avro") {
            let reply = try await raw(
                "POST", "/event",
                [
                    try await bearer(sending), ("strm-schema-ref", contract.ref),
                    ("strm-serialization-type", "application/x-avro-binary"),
                ], event("event.avro").avro)
            try expect(reply, 204)
        }
        await drive("event.jsonSchema") {
            let line = event("event.jsonSchema").schemaLine(schemaContract.ref)
            try expect(try await ask(sending, "POST", "/event", body: line), 204)
        }
        await drive("event.withoutConsent") {
            var event = event("event.withoutConsent")
            event.levels = []
            try expect(try await ask(sending, "POST", "/event", body: event.line), 204)
        }
        await drive("events.batch", count: 3) {
            let lines = (1...3).map { event("events.batch", number: $0).line }
            let reply = try await ask(
                sending, "POST", "/events", body: Array(lines.joined(separator: [0x0A])),
                contentType: "application/x-ndjson")
            try expect(reply, 200)
            guard try reply.json()["accepted"]?.integer == 3 else {
                throw ProofGap("not all lines were accepted")
            }
        }
        for (path, route) in [("event.dryRun", "/event"), ("events.dryRun", "/events")] {
            await drive(path) {
                let reply = try await ask(
                    sending, "POST", "\(route)?dryRun=true", body: event(path).line)
                try expect(reply, 200, 204)
                keep(reply, path)
            }
        }
    }

    // MARK: Refused events

    func sendRefused() async {
        await refuse("refused.syntax") { event in
            Array("{\"email\":\"\(event.email)\",\"note\":\"\(event.note)\"".utf8)
        }
        await refuse("refused.notJSON") { Array("[\"\($0.email)\",\($0.note)".utf8) }
        await refuse("refused.missingField") { event in
            Array(
                "{\"strmMeta\":{\"eventContractRef\":\"\(event.contract)\",\"consentLevels\":[]},"
                    .utf8) + Array("\"email\":\"\(event.email)\",\"note\":\"\(event.note)\"}".utf8)
        }
        await refuse("refused.unknownField") { event in
            Array(event.json.merging(.object([event.note: "x"])).text(pretty: false).utf8)
        }
        await refuse("refused.type") { event in
            Array(
                event.json.merging(.object(["number": .string(event.note)]))
                    .text(pretty: false).utf8)
        }
        await refuse("refused.rule") { event in
            var event = event
            event.email = event.email.replacing("@", with: " at ")
            return event.line
        }
        await refuse("refused.level") { event in
            var event = event
            event.levels = [levels.0, 64]
            return event.line
        }
        await refuse("refused.contract") { event in
            var event = event
            event.contract = "strm-prove/\(event.note)/1.0.0"
            return event.line
        }
        await refuse(
            "refused.avro", [("strm-serialization-type", "application/x-avro-binary")]
        ) { Array($0.avro.dropLast(2)) }
        await refuse("refused.jsonSchema", contract: schemaContract.ref) { event in
            var event = event
            event.email = event.note
            return event.schemaLine(schemaContract.ref)
        }
        await drive("refused.batch", count: 2) {
            var bad = event("refused.batch")
            bad.email = bad.note
            let good = event("refused.batch beside")
            let reply = try await ask(
                sending, "POST", "/events",
                body: bad.line + [0x0A] + good.line + [0x0A] + Array(bad.line.dropLast()),
                contentType: "application/x-ndjson")
            try expect(reply, 200)
            keep(reply, "refused.batch")
        }
    }

    private func refuse(
        _ path: String, _ headers: [(String, String)] = [], contract ref: String? = nil,
        _ body: (ProofEvent) -> [UInt8]
    ) async {
        await drive(path) {
            let reply = try await raw(
                "POST", "/event",
                [try await bearer(sending), ("strm-schema-ref", ref ?? contract.ref)] + headers,
                body(event(path)))
            try expect(reply, 400)
            keepRefusal(reply, path)
        }
    }

    // MARK: Refused requests

    func sendUnfit() async {
        await drive("refused.size") {
            var large = event("refused.size")
            large.remark = String(repeating: "x", count: (1 << 20) + (1 << 16))
            let reply = try await ask(sending, "POST", "/event", body: large.line)
            // A server that takes longer bodies refuses the value, or takes it.
            try expect(reply, 413, 400, 204)
            keep(reply, "refused.size")
        }
        await unfit("refused.mediaType", 415) { event in
            (
                "/event",
                [
                    try await bearer(sending),
                    ("strm-serialization-type", "text/\(event.note)"),
                ]
            )
        }
        await unfit("refused.token", 401) { event in
            ("/event", [("authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.\(event.note).x")])
        }
        await unfit("refused.role", 403) { _ in
            ("/event", [try await bearer(.read(stream: self.opened))])
        }
        await unfit("refused.path", 404, 405, 401) { event in
            ("/v1/streams/\(event.note)/\(event.session)", [try await bearer(sending)])
        }
        await unfit("refused.query", 400) { event in
            ("/event?dryRun=\(event.note)", [try await bearer(sending)])
        }
        await unfit("event.markedHeaders", 204) { event in
            (
                "/event",
                [
                    try await bearer(sending), ("user-agent", event.note),
                    ("x-forwarded-for", event.session), ("cookie", "id=\(event.note)"),
                ]
            )
        }
    }

    private func unfit(
        _ path: String, _ statuses: Int...,
        request: (ProofEvent) async throws -> (String, [(String, String)])
    ) async {
        await drive(path) {
            let event = event(path)
            let (target, headers) = try await request(event)
            let reply = try await raw("POST", target, headers, event.line)
            keep(reply, path)
            guard statuses.contains(reply.status) else {
                throw ProofGap("the status was \(reply.status), not \(statuses)")
            }
        }
    }

    /// What ``Load`` sends.
    func makeLoad() async throws -> Load {
        let events = (0..<8).map { event("event.crash", number: Int64($0)).line }
        return Load(
            server: server, roots: roots, authorization: try await bearer(sending), events: events)
    }

    /// Events without end, each over a connection of its own, until those break: for a server that is
    /// about to be killed.
    struct Load: Sendable {
        var server: ServerURL
        var roots: NIOSSLTrustRoots
        var authorization: (String, String)
        var events: [[UInt8]]

        /// Returns how many were acknowledged.
        func run() async -> Int {
            await withTaskGroup(of: Int.self) { group in
                for event in events { group.addTask { await send(event) } }
                return await group.reduce(0, +)
            }
        }

        /// Whatever ends it, it is the end that is wanted.
        private func send(_ event: [UInt8]) async -> Int {
            var count = 0
            do {
                let connection = try await HTTP2Connection.open(server, trusting: roots)
                while true {
                    let reply = try await connection.request(
                        "POST", "/event", [authorization], body: ByteBuffer(bytes: event))
                    if reply.status == 204 { count += 1 }
                }
            } catch {
                return count
            }
        }
    }
}
