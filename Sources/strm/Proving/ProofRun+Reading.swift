import Foundation
import NIOCore
import NIOSSL
import Server

/// Every way out but exports. What a derived stream opens is handed out by right, and shows that the
/// markers were there; sealed and masked answers must hold none.
extension ProofRun {
    private static let pageLimit = 1_000

    func readAll() async {
        await drive("read.sealed") {
            keep(try await page(name), "read.sealed")
        }
        await drive("read.opened") {
            let reply = try await page(opened)
            try seeOpened(reply.body)
        }
        await drive("read.masked") {
            let reply = try await page(masked)
            let body = String(decoding: reply.body, as: UTF8.self)
            let hidden = markers.filter {
                $0.path.hasSuffix(" email") || $0.path.hasSuffix(" note")
            }
            guard !hidden.contains(where: { body.contains($0.text) }) else {
                throw ProofGap("a masked field shows its value")
            }
        }
        await waitAndRead()
        await drive("read.webSocket.sealed") {
            keep(
                Reply(status: 101, headers: [:], body: try await follow(name)),
                "read.webSocket.sealed")
        }
        await drive("read.webSocket.opened") { try seeOpened(try await follow(opened)) }
        await drive("read.consumer") {
            let first = try await page(opened, "&consumer=prove&limit=2")
            let cursor = first.headers["strm-next-cursor"].map { JSONValue.string($0) } ?? .null
            let reply = try await ask(
                .read(stream: opened), "POST", "/v1/streams/\(opened)/consumers/prove/commit",
                json: .object(["cursor": cursor]))
            try expect(reply, 204)
        }
        await countAll()
        await lookAround()
    }

    private func page(_ stream: String, _ more: String = "") async throws -> Reply {
        let reply = try await ask(
            .read(stream: stream), "GET", "/v1/streams/\(stream)/events?from=0\(more)")
        try expect(reply, 200)
        return reply
    }

    /// Without the plaintext in it, nothing was shown by not finding it elsewhere.
    private func seeOpened(_ body: [UInt8]) throws {
        let text = String(decoding: body, as: UTF8.self)
        let seen = markers.filter { $0.kind == .personal && text.contains($0.text) }
        guard seen.contains(where: { $0.path.hasSuffix(" email") }),
            seen.contains(where: { $0.path.hasSuffix(" note") })
        else { throw ProofGap("the opened events do not hold their markers") }
        noteOpened(seen.count)
    }

    /// A long-poll that is there before the event.
    private func waitAndRead() async {
        await drive("read.longPoll") {
            let end = try await page(opened)
            guard let cursor = end.headers["strm-next-cursor"] else {
                throw ProofGap("the answer has no cursor")
            }
            let event = event("read.longPoll").line
            let sender = try credential(for: .send(stream: name))
            let (server, roots) = (server, roots)
            async let sent = Self.sendLater(event, server, roots, sender)
            let reply = try await ask(
                .read(stream: opened), "GET",
                "/v1/streams/\(opened)/events?cursor=\(cursor)&wait=20")
            guard try await sent == 204 else { throw ProofGap("the event was not taken") }
            try seeOpened(reply.body)
        }
    }

    private static func sendLater(
        _ event: [UInt8], _ server: ServerURL, _ roots: NIOSSLTrustRoots, _ sender: Credential
    ) async throws -> Int {
        try await ServerClient.with(server, sender, trusting: roots) { client in
            _ = try await client.accessToken()
            // So that the reader is there first; if it is not, it reads the event all the same.
            try await Task.sleep(for: .milliseconds(100))
            return try await client.request("POST", "/event", body: event).status
        }
    }

    /// The events of a stream from a WebSocket, until as many came as a page holds.
    private func follow(_ stream: String) async throws -> [UInt8] {
        let wanted = try await page(stream).headers["strm-events"].flatMap { Int($0) } ?? 0
        guard wanted > 0 else { throw ProofGap("there is nothing to read") }
        var body: [UInt8] = []
        var count = 0
        let token = try await client(.read(stream: stream)) { try await $0.accessToken() }
        try await WebSocketClient.read(
            server, path: "/ws?from=0&limit=\(Self.pageLimit)", token: token, trusting: roots
        ) { message in
            body += message.readableBytesView
            body.append(0x0A)
            count += 1
            return count < wanted
        }
        return body
    }

    /// Dry runs open fields and give out counts.
    private func countAll() async {
        await drive("dryRun.described") {
            let reply = try await ask(
                .approve, "POST", "/v1/dry-runs",
                json: .object([
                    "derivedFrom": .string(name),
                    "levels": .array([.integer(levels.0), .integer(levels.1)]),
                ]))
            try expect(reply, 200)
            keep(reply, "dryRun.described")
        }
        await drive("dryRun.stored") {
            let reply = try await ask(.approve, "GET", "/v1/streams/\(masked)/dry-run")
            try expect(reply, 200)
            keep(reply, "dryRun.stored")
        }
    }

    /// What tells about the server and about what was done.
    private func lookAround() async {
        for path in ["/metrics", "/v1/status", "/v1/rejections", "/v1/audit/entries?limit=1000"] {
            await drive("answer") {
                let reply = try await ask(.audit, "GET", path)
                try expect(reply, 200)
                keep(reply, "answer \(path)")
            }
        }
        await drive("audit.exported") {
            let started = try await ask(.audit, "POST", "/v1/audit/exports")
            try expect(started, 200)
            keep(started, "audit.exported")
            let lines = String(decoding: started.body, as: UTF8.self).split(separator: "\n")
            guard lines.count > 1, let size = UInt64(lines[1]), size <= UInt64(Int64.max) else {
                throw ProofGap("the checkpoint tells no size")
            }
            for path in AuditTiles.paths(size: size) {
                let tile = try await ask(.audit, "GET", "/v1/audit/\(path)")
                try expect(tile, 200)
                keep(tile, "audit.exported \(path)")
            }
        }
    }

    /// What both ways to run a proof drive first: all that is sent, then all that is read.
    func sendAndRead() async {
        await sendAccepted()
        await sendRefused()
        await sendUnfit()
        await useSecrets()
        await readAll()
        await readRejections()
    }

    // MARK: Kept refused events

    func readRejections() async {
        let path = "/v1/streams/\(name)/rejections"
        await drive("rejections.listed") {
            let reply = try await ask(.listRejections(stream: name), "GET", "\(path)?limit=1000")
            try expect(reply, 200)
            keep(reply, "rejections.listed")
            guard let items = try reply.json()["items"]?.array, !items.isEmpty else {
                throw ProofGap("no refused event was kept")
            }
        }
        await drive("rejections.shown") {
            let listed = try await ask(.openRejections, "GET", path)
            let items = try listed.json()["items"]?.array ?? []
            var seen = 0
            for item in items {
                let shown = try await ask(
                    .openRejections, "POST", "\(path)/show",
                    json: .object(["offset": item["offset"] ?? .null]))
                try expect(shown, 200)
                let body = String(decoding: shown.body, as: UTF8.self)
                seen += markers.count { $0.kind == .personal && body.contains($0.text) }
            }
            guard seen > 0 else { throw ProofGap("the kept events do not hold their markers") }
            noteOpened(seen)
        }
        await drive("rejections.replayed") {
            let reply = try await ask(
                .replayRejections, "POST", "\(path)/replay", json: .object([:]))
            try expect(reply, 200)
            keep(reply, "rejections.replayed")
        }
    }
}
