import ArgumentParser
import Foundation
import NIOCore

/// `strm listen NAME`: the events of a stream or derived stream, as JSON lines.
struct Listen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print events as they come, until stopped (Ctrl-C).",
        usage: "strm listen <name> [--from <time>] [--limit <count>] [options]",
        discussion: """
            A stream gives every event, with its personal fields sealed. A derived stream gives \
            those whose sender consented to its levels, with the fields of these levels opened; \
            the server records each release in the audit log before it hands anything out.

            With --consumer the server remembers how far this consumer has come: it goes on from \
            there, also after a stop. What was printed but not yet committed comes again.

            EXAMPLE
              strm listen demo-1-4
              strm listen demo --from 15m --limit 10
              strm listen demo-1-4 --consumer dashboard | jq .url
            """)

    @Argument(help: "A stream or derived stream.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "Where to begin: now, 15m (ago), 2h, 7d, RFC 3339 or milliseconds (default now).",
            valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Stop after this many events.", valueName: "count"))
    var limit: Int?

    @Option(
        help: ArgumentHelp("Remember the place under this name on the server.", valueName: "name"))
    var consumer: String?

    @Flag(help: "Stop at the end instead of waiting for more.")
    var noFollow = false

    @Flag(help: "Read from a WebSocket instead of long-polling.")
    var webSocket = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
        if let from, Timestamp.parse(from, now: Date()) == nil {
            throw ValidationError(
                "--from is now, 15m, 2h, 7d, 2026-11-23T10:00:00Z or milliseconds.")
        }
        guard !webSocket || (consumer == nil && !noFollow) else {
            throw ValidationError("--web-socket has no --consumer and always follows.")
        }
    }

    func run() async throws {
        let beginning = try start()
        let interruption = Interruption()
        defer { interruption.end() }
        try await ServerClient.with(connection, .read(stream: name)) { client in
            if webSocket {
                try await readWebSocket(client, beginning)
            } else {
                try await longPoll(client, beginning)
            }
        }
    }

    /// The query parameters of the first request. A consumer goes on from its committed place.
    private func start() throws -> [(String, String)] {
        if from == nil, consumer != nil { return [] }
        guard let time = Timestamp.parse(from ?? "now", now: Date()) else { return [] }
        if from == nil, isatty(STDERR_FILENO) == 1 {
            Terminal.note("waiting for new events of \(name) (--from 1h shows earlier ones)")
        }
        return [("from", String(time))]
    }

    private func longPoll(_ client: ServerClient, _ beginning: [(String, String)]) async throws {
        var place = beginning
        var remaining = limit ?? Int.max
        while remaining > 0 {
            var query = place
            query.append(("limit", String(min(remaining, 1000))))
            query.append(("wait", noFollow ? "0" : "20"))
            if let consumer { query.append(("consumer", consumer)) }
            let page = try await self.page(client, query)
            let count = max(page.headers["strm-events"].flatMap { Int($0) } ?? 0, 0)
            Terminal.printBytes(page.body)
            remaining -= count
            guard let cursor = page.headers["strm-next-cursor"] else {
                throw CommandFailure(.failed, "the answer has no cursor to go on from")
            }
            if let consumer, count > 0 { try await commit(client, consumer, cursor) }
            // A page may be empty though more follows: all its events lacked the consent.
            let isAtEnd = count == 0 && (page.headers["strm-dropped"] ?? "0") == "0"
            if noFollow, isAtEnd || place.contains(where: { $0 == ("cursor", cursor) }) { return }
            place = [("cursor", cursor)]
        }
    }

    /// One page. Overload and a server that restarts are waited out once events have flowed.
    private func page(_ client: ServerClient, _ query: [(String, String)]) async throws -> Reply {
        let text = query.map { "\($0)=\(Entity.escape($1))" }.joined(separator: "&")
        let path = try Entity.stream.path(name) + "/events?" + text
        let isFirst = !query.contains { $0.0 == "cursor" }
        while true {
            do {
                let reply = try await client.request("GET", path, timeoutSeconds: 60)
                if reply.status == 503, !isFirst {
                    try await Task.sleep(for: .seconds(reply.retryAfterSeconds))
                    continue
                }
                try reply.check("read \(name)")
                return reply
            } catch let failure as CommandFailure where failure.status == .unavailable && !isFirst {
                Terminal.progress("the server is away; trying again")
                try await Task.sleep(for: .seconds(1))
                Terminal.endProgress()
            }
        }
    }

    private func commit(
        _ client: ServerClient, _ consumer: String, _ cursor: String
    ) async throws {
        let path =
            try Entity.stream.path(name) + "/consumers/\(Entity.escape(consumer))/commit"
        let reply = try await client.request(
            "POST", path, json: .object(["cursor": .string(cursor)]))
        try reply.check("commit the place of \(consumer)")
    }

    private func readWebSocket(
        _ client: ServerClient, _ beginning: [(String, String)]
    ) async throws {
        let query = ([("asJson", "true")] + beginning)
            .map { "\($0)=\(Entity.escape($1))" }.joined(separator: "&")
        var remaining = limit ?? Int.max
        try await WebSocketClient.read(
            client.server, path: "/ws?\(query)", token: client.accessToken(),
            trusting: connection.trustRoots()
        ) { message in
            Terminal.printBytes(Array(message.readableBytesView) + [UInt8(ascii: "\n")])
            remaining -= 1
            return remaining > 0
        }
    }
}
