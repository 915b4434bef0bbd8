import CryptoExtras
import Foundation
import Synchronization

@testable import Buckets

/// Google Cloud Storage in memory: tokens, simple and resumable uploads. It may keep less of a part
/// than it was sent, and lose answers.
final class FakeGCS: Sendable {
    struct State {
        var objects: [String: [UInt8]] = [:]
        var session: (name: String, bytes: [UInt8])?
        var requests: [ExchangeRequest] = []
        var tokens = 0
        /// Tokens that are not taken any more.
        var revoked: Set<String> = []
        /// Uploads of parts, from 1, of which only so many bytes are kept.
        var keeps: [Int: Int] = [:]
        /// Uploads of parts, from 1, that are carried out but whose answer is lost.
        var lost: Set<Int> = []
        var parts = 0
        var location = "https://gcs.example/upload/storage/v1/b/orders/o?upload_id=x"
        /// Answers each upload with this.
        var refusal: ExchangeReply?
    }

    let state = Mutex(State())

    static func account() throws -> (json: String, key: _RSA.Signing.PublicKey) {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let document = [
            "type": "service_account", "client_email": "exports@acme.iam.gserviceaccount.com",
            "private_key_id": "abc123", "private_key": key.pemRepresentation,
            "token_uri": "https://oauth2.example/token",
        ]
        let json = try JSONEncoder().encode(document)
        return (String(decoding: json, as: UTF8.self), key.publicKey)
    }

    func bucket(now: @escaping @Sendable () -> Int64 = { 1_790_000_000_000 }) throws -> GCSBucket {
        let policy = BucketPolicy()
        let account = try ServiceAccount(json: try Self.account().json, policy: policy)
        func exchange(_ text: String) throws -> HTTPExchange {
            HTTPExchange(
                endpoint: try Endpoint(parsing: text, pointer: "/endpoint", policy: policy),
                transport: { request throws(BucketError) in try self.answer(request) },
                pause: { _ in })
        }
        return GCSBucket(
            name: "orders", exchange: try exchange("https://gcs.example"),
            tokens: GCSTokens(account, exchange: try exchange("https://oauth2.example"), clock: now)
        )
    }

    private func answer(_ request: ExchangeRequest) throws(BucketError) -> ExchangeReply {
        try state.withLock { state throws(BucketError) in
            state.requests.append(request)
            if request.target == "/token" {
                state.tokens += 1
                let text = "{\"access_token\":\"t\(state.tokens)\",\"expires_in\":3600}"
                return ExchangeReply(status: 200, body: Array(text.utf8))
            }
            let token = request.headers.last { $0.0 == "authorization" }?.1.dropFirst(7) ?? ""
            if state.revoked.contains(String(token)) { return ExchangeReply(status: 401) }
            if let refusal = state.refusal { return refusal }
            switch request.method {
            case "POST" where request.target.contains("uploadType=media"):
                state.objects[Self.name(request.target)] = request.body
                return ExchangeReply(status: 200)
            case "POST":
                state.session = (Self.name(request.target), [])
                return ExchangeReply(status: 200, headers: [("location", state.location)])
            case "PUT": return try Self.part(request, &state)
            default:
                state.session = nil
                return ExchangeReply(status: 499)
            }
        }
    }

    private static func part(
        _ request: ExchangeRequest, _ state: inout State
    ) throws(BucketError) -> ExchangeReply {
        guard var session = state.session else { return ExchangeReply(status: 410) }
        let range = request.headers.first { $0.0 == "content-range" }?.1.dropFirst(6) ?? ""
        let sides = range.split(separator: "/")
        var number: Int?
        if !request.body.isEmpty {
            state.parts += 1
            number = state.parts
            guard Int(sides[0].split(separator: "-")[0]) == session.bytes.count else {
                return ExchangeReply(status: 400)
            }
            session.bytes += request.body.prefix(state.keeps[state.parts] ?? request.body.count)
        }
        state.session = session
        let isWhole = Int(sides[1]) == session.bytes.count
        if isWhole { state.objects[session.name] = session.bytes }
        if let number, state.lost.remove(number) != nil { throw .unreachable("lost") }
        if isWhole { return ExchangeReply(status: 200) }
        let headers = session.bytes.isEmpty ? [] : [("range", "bytes=0-\(session.bytes.count - 1)")]
        return ExchangeReply(status: 308, headers: headers)
    }

    private static func name(_ target: String) -> String {
        let text = target.components(separatedBy: "&name=").last ?? ""
        return String(decoding: URIText.decoded(text), as: UTF8.self)
    }
}
