import CryptoExtras
import Foundation
import Synchronization

@testable import Buckets

/// Objects and resumable uploads in memory, answering as Google Cloud's JSON interface does, but
/// stricter: it takes no byte twice. Answers can be lost, and requests refused, by the number of
/// the request. Tokens are `token-1`, `token-2` and so on; only the last one is accepted.
final class FakeGCS: Sendable {
    struct Object: Equatable {
        var body: [UInt8]
        var contentType: String?
    }

    struct Session {
        var name: String
        var contentType: String?
        var body: [UInt8] = []
        var isOver = false
    }

    struct State {
        var objects: [String: Object] = [:]
        var sessions: [String: Session] = [:]
        var requests: [ExchangeRequest] = []
        var tokens = 0
        var sessionOrigin = "https://storage.googleapis.com"
        /// Of one request's body.
        var takesAtMost = Int.max
        /// Requests, from 0, that are carried out but whose answer is lost.
        var lost: Set<Int> = []
        /// Requests, from 0, that are answered with this instead of being carried out.
        var replies: [Int: ExchangeReply] = [:]
    }

    let state = Mutex(State())

    /// What was asked, such as `PUT bytes 0-9/*`, without names and identifiers.
    var log: [String] {
        state.withLock { $0.requests }.map { request in
            if let range = request.headers.first(where: { $0.0 == "content-range" })?.1 {
                return "\(request.method) \(range)"
            }
            let kind = request.target.split(separator: "uploadType=").last?.prefix { $0 != "&" }
            return request.method == "POST" ? "POST \(kind ?? "")" : request.method
        }
    }

    func bucket(clock: @escaping @Sendable () -> Int64 = { 1_000 }) throws -> GCSBucket {
        let account = try ServiceAccount(
            parsing: ServiceAccountKey.json(), policy: BucketPolicy())
        let place = try S3Place(google: GCSLocation(bucket: "orders"), policy: BucketPolicy())
        let tokens = GCSTokens(account, clock: clock) { () async throws(BucketError) in
            HTTPExchange(
                endpoint: account.tokenAddress.endpoint,
                transport: { _ throws(BucketError) in self.token() }, pause: { _ in })
        }
        let exchange = HTTPExchange(
            endpoint: place.endpoint,
            transport: { request throws(BucketError) in try self.answer(request) },
            pause: { _ in })
        return GCSBucket(place: place, exchange: exchange, tokens: tokens, pause: { _ in })
    }

    static func error(_ status: Int, _ reason: String, message: String = "") -> ExchangeReply {
        let text = """
            {"error": {"code": \(status), "message": "SMCANARY \(message)",
             "errors": [{"domain": "global", "reason": "\(reason)", "message": "SMCANARY"}]}}
            """
        return ExchangeReply(status: status, body: Array(text.utf8))
    }

    private func token() -> ExchangeReply {
        let number = state.withLock { state in
            state.tokens += 1
            return state.tokens
        }
        let text = """
            {"access_token": "token-\(number)", "token_type": "Bearer", "expires_in": 3599}
            """
        return ExchangeReply(status: 200, body: Array(text.utf8))
    }

    private func answer(_ request: ExchangeRequest) throws(BucketError) -> ExchangeReply {
        let reply: ExchangeReply? = state.withLock { state in
            let number = state.requests.count
            state.requests.append(request)
            if let reply = state.replies[number] { return reply }
            guard Self.header("authorization", request) == "Bearer token-\(state.tokens)" else {
                return Self.error(401, "authError")
            }
            let reply = Self.carryOut(request, &state)
            return state.lost.contains(number) ? nil : reply
        }
        guard let reply else { throw .unreachable("the connection broke off") }
        return reply
    }

    private static func header(_ name: String, _ request: ExchangeRequest) -> String? {
        request.headers.first { $0.0 == name }?.1
    }

    private static func carryOut(_ request: ExchangeRequest, _ state: inout State) -> ExchangeReply
    {
        let halves = request.target.split(separator: "?", maxSplits: 1)
        var query: [String: String] = [:]
        for pair in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            let parts = pair.split(separator: "=", maxSplits: 1)
            query[String(parts[0])] = String(
                decoding: URIText.decoded(parts[1]), as: UTF8.self)
        }
        let uploads = "/upload/storage/v1/b/orders/o"
        if halves[0] == uploads, let name = query["name"] {
            switch (request.method, query["uploadType"], query["upload_id"]) {
            case ("POST", "media", nil):
                state.objects[name] = Object(
                    body: request.body, contentType: header("content-type", request))
                return ExchangeReply(status: 200)
            case ("POST", "resumable", nil):
                return create(request, name, &state)
            case (_, "resumable", let id?):
                return use(id, request, &state)
            default:
                return error(400, "invalid")
            }
        }
        let objects = "/storage/v1/b/orders/o/"
        guard request.method == "DELETE", halves[0].hasPrefix(objects),
            !halves[0].dropFirst(objects.count).contains("/")
        else { return error(404, "notFound") }
        let name = String(
            decoding: URIText.decoded(halves[0].dropFirst(objects.count)), as: UTF8.self)
        let removed = state.objects.removeValue(forKey: name)
        return removed == nil ? error(404, "notFound") : ExchangeReply(status: 204)
    }

    private static func create(
        _ request: ExchangeRequest, _ name: String, _ state: inout State
    ) -> ExchangeReply {
        let id = "up-\(state.sessions.count + 1)_="
        state.sessions[id] = Session(
            name: name, contentType: header("x-upload-content-type", request))
        let location = "\(state.sessionOrigin)\(request.target)&upload_id=\(id)"
        return ExchangeReply(status: 200, headers: [("Location", location)])
    }

    private static func use(
        _ id: String, _ request: ExchangeRequest, _ state: inout State
    ) -> ExchangeReply {
        guard var session = state.sessions[id] else { return error(404, "notFound") }
        if request.method == "DELETE" {
            state.sessions[id] = nil
            return ExchangeReply(status: 499)
        }
        if session.isOver { return ExchangeReply(status: 200) }
        let range = header("content-range", request) ?? ""
        let halves = range.dropFirst("bytes ".count).split(separator: "/")
        if halves[0] != "*" {
            let ends = halves[0].split(separator: "-").compactMap { Int($0) }
            guard ends[0] == session.body.count, ends[1] == ends[0] + request.body.count - 1 else {
                return error(400, "invalid")
            }
            session.body += request.body.prefix(state.takesAtMost)
        }
        session.isOver = Int(halves[1]) == session.body.count
        state.sessions[id] = session
        if session.isOver {
            state.objects[session.name] = Object(
                body: session.body, contentType: session.contentType)
            return ExchangeReply(status: 200)
        }
        let last = session.body.count - 1
        return ExchangeReply(
            status: 308, headers: last < 0 ? [] : [("Range", "bytes=0-\(last)")])
    }
}

/// The document of a service account's key, with members changed or left out.
enum ServiceAccountKey {
    static let email = "exports@project.iam.gserviceaccount.com"
    static let tokenURI = "https://oauth2.googleapis.com/token"

    /// Made once: it takes a while.
    static let key: Result<_RSA.Signing.PrivateKey, any Error> = Result {
        try _RSA.Signing.PrivateKey(keySize: .bits2048)
    }

    /// - Parameter changes: members and their values; nil leaves one out.
    static func json(_ changes: [String: String?] = [:]) throws -> String {
        var members: [String: String] = [
            "type": "service_account", "project_id": "project", "private_key_id": "0123abcd",
            "private_key": try key.get().pkcs8PEMRepresentation, "client_email": email,
            "client_id": "1234", "token_uri": tokenURI,
        ]
        for (name, value) in changes { members[name] = value }
        return String(decoding: try JSONEncoder().encode(members), as: UTF8.self)
    }
}
