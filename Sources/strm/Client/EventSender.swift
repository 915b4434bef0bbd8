import NIOCore
import NIOSSL

/// Sends bodies to one server over HTTP/2: a token that is renewed when it expires, and another
/// attempt when the server is overloaded.
actor EventSender {
    /// How often one body is tried when the server answers 503.
    static let attemptsMax = 6

    private let client: ServerClient
    private let connection: HTTP2Connection
    private var authorization: String

    private init(_ client: ServerClient, _ connection: HTTP2Connection, _ authorization: String) {
        self.client = client
        self.connection = connection
        self.authorization = authorization
    }

    /// Runs `body` with a sender on a connection of its own, and closes it afterwards.
    static func with<Result: Sendable>(
        _ client: ServerClient, trusting roots: NIOSSLTrustRoots,
        _ body: (EventSender) async throws -> Result
    ) async throws -> Result {
        let authorization = "Bearer \(try await client.accessToken())"
        let connection = try await HTTP2Connection.open(client.server, trusting: roots)
        let sender = EventSender(client, connection, authorization)
        do {
            let result = try await body(sender)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Posts a body; answers whatever the server says, 503 only after ``attemptsMax`` attempts.
    ///
    /// An attempt after 503 may store again what an earlier one stored: a sender that must know
    /// gives its events an id of its own.
    func post(_ path: String, _ body: ByteBuffer, headers: [(String, String)]) async throws -> Reply
    {
        var renewed = false
        for attempt in 1... {
            let reply = try await connection.request(
                "POST", path, headers + [("authorization", authorization)], body: body)
            if reply.status == 401, !renewed {
                renewed = true
                await client.renewToken()
                authorization = "Bearer \(try await client.accessToken())"
            } else if reply.status == 503, attempt < Self.attemptsMax {
                try await Task.sleep(for: .seconds(reply.retryAfterSeconds))
            } else {
                return reply
            }
        }
        // The loop above has no end but its returns.
        throw CancellationError()
    }
}
