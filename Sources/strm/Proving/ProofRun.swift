import Foundation
import NIOCore
import NIOSSL
import Server

/// Something did not go as it must for the result to mean anything. The reason names statuses, never
/// a value.
struct ProofGap: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Marked data on its way through one server: what was driven, what was marked, and what came back.
///
/// Confined to the task that makes it.
final class ProofRun {
    /// Tokens that are marked: each costs time in the search.
    private static let tokensMarkedMax = 4

    let server: ServerURL
    let roots: NIOSSLTrustRoots
    /// The stream; what else is made has names that begin with it.
    let name: String
    /// Consent levels of the marked fields; both have a purpose.
    let levels: (Int64, Int64)
    /// Who it acts as; those that it makes are added.
    var credentials: [Credential]
    private(set) var markers: [LeakMarker] = []
    private(set) var driven: [String: Int] = [:]
    /// Left out for a reason that is no fault: no credentials, no directory for exports.
    private(set) var leftOut: [String: String] = [:]
    private(set) var failed: [String: String] = [:]
    /// Answers in which no marker may be.
    private(set) var answers: [(name: String, bytes: [UInt8])] = []
    /// Markers that were handed out where they should be: a reader got them.
    private(set) var openedCount = 0
    private var tokensMarked = 0

    init(
        _ server: ServerURL, trusting roots: NIOSSLTrustRoots, credentials: [Credential],
        levels: (Int64, Int64)
    ) {
        self.server = server
        self.roots = roots
        self.credentials = credentials
        self.levels = levels
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        name = "strm-prove-" + String((0..<10).map { _ in letters.randomElement() ?? "x" })
    }

    var opened: String { "\(name)-opened" }
    var masked: String { "\(name)-masked" }
    /// The exporter that takes the keys along.
    var keyed: String { "\(name)-keys" }

    // MARK: Marking

    /// A new marker that came in by `path`.
    func mark(_ path: String, _ kind: LeakMarker.Kind = .personal) -> String {
        let marker = LeakMarker.random(kind, path)
        markers.append(marker)
        return marker.text
    }

    /// A secret that the server made.
    func mark(credential text: String, _ path: String) {
        markers.append(LeakMarker(.credential, path, text: text))
    }

    func mark(key bytes: [UInt8]) { markers.append(LeakMarker(.key, "dataKey", bytes: bytes)) }

    /// What is kept in the keyring's directory alone. Marked once, however often it is seen.
    func mark(custody bytes: [UInt8], _ path: String) {
        guard !markers.contains(where: { $0.kind == .custody && $0.bytes == bytes }) else { return }
        markers.append(LeakMarker(.custody, path, bytes: bytes))
    }

    /// The signature of a token: all before it says who, and is alike in many.
    private func mark(token: String) {
        guard tokensMarked < Self.tokensMarkedMax, let signature = token.split(separator: ".").last
        else { return }
        tokensMarked += 1
        mark(credential: String(signature), "token.access")
    }

    /// Texts without any marker: a server that repeats one must not bring it into the result.
    func redacted(_ text: String) -> String {
        markers.filter { $0.kind != .key && $0.kind != .custody }
            .reduce(text) { $0.replacing($1.text, with: "<marker>") }
    }

    // MARK: Driving

    /// Does one path and notes what became of it. Nothing is thrown: the other paths go on.
    func drive(_ path: String, count: Int = 1, _ work: () async throws -> Void) async {
        do {
            try await work()
            driven[path, default: 0] += count
        } catch let gap as ProofGap {
            failed[path] = redacted(gap.reason)
        } catch let failure as CommandFailure where failure.status == .notPermitted {
            leftOut[path] = redacted(failure.message)
        } catch let failure as CommandFailure {
            failed[path] = redacted(failure.message)
        } catch {
            failed[path] = "\(type(of: error))"
        }
    }

    func leaveOut(_ path: String, _ reason: String) { leftOut[path] = redacted(reason) }

    func noteOpened(_ count: Int) { openedCount += count }

    /// The answer to a refused event without its pointer, which names the place in the sender's own
    /// words, to the sender alone: an unknown member is called by its name. All else is searched, and
    /// so are all other places in which the name might be.
    func keepRefusal(_ reply: Reply, _ path: String) {
        guard case .object(var members)? = try? reply.json() else { return keep(reply, path) }
        members["pointer"] = nil
        keep(
            Reply(
                status: reply.status, headers: reply.headers,
                body: Array(JSONValue.object(members).text(pretty: false).utf8)), path)
    }

    /// An answer that must hold no marker: it is searched like a file.
    func keep(_ reply: Reply, _ path: String) {
        let headers = reply.headers.map { "\($0.key): \($0.value)" }.sorted().joined(
            separator: "\n")
        answers.append((path, Array(headers.utf8) + reply.body))
    }

    func credential(for purpose: Purpose) throws(CommandFailure) -> Credential {
        for role in purpose.roles {
            if let found = credentials.last(where: { $0.role == role && purpose.fits($0) }) {
                return found
            }
        }
        throw CommandFailure(.notPermitted, "no credentials to \(purpose.description)")
    }

    func client<Result: Sendable>(
        _ purpose: Purpose, _ body: (ServerClient) async throws -> Result
    ) async throws -> Result {
        let credential = try credential(for: purpose)
        return try await ServerClient.with(server, credential, trusting: roots) { client in
            mark(token: try await client.accessToken())
            return try await body(client)
        }
    }

    /// One request as whoever may do it with the least power.
    func ask(
        _ purpose: Purpose, _ method: String, _ path: String, json: JSONValue? = nil,
        body: [UInt8]? = nil, contentType: String = "application/json"
    ) async throws -> Reply {
        try await client(purpose) { client in
            try await client.request(
                method, path, json: json, body: body, contentType: contentType,
                timeoutSeconds: 120)
        }
    }

    /// One request over HTTP/2 with exactly these headers.
    func raw(
        _ method: String, _ path: String, _ headers: [(String, String)], _ body: [UInt8]
    ) async throws -> Reply {
        let connection = try await HTTP2Connection.open(server, trusting: roots)
        do {
            let reply = try await connection.request(
                method, path, headers, body: ByteBuffer(bytes: body))
            await connection.close()
            return reply
        } catch {
            await connection.close()
            throw error
        }
    }

    func bearer(_ purpose: Purpose) async throws -> (String, String) {
        ("authorization", "Bearer \(try await client(purpose) { try await $0.accessToken() })")
    }

    func expect(_ reply: Reply, _ statuses: Int...) throws {
        if statuses.contains(reply.status) { return }
        let wanted = statuses.map(String.init).joined(separator: " or ")
        if reply.status == 403 {
            throw CommandFailure(.notPermitted, "the server does not permit it")
        }
        throw ProofGap("the status was \(reply.status), not \(wanted)")
    }
}
