import Foundation
import Synchronization

/// Access tokens of a service account: fetched when one is needed, and again five minutes before it
/// ends. Two that fetch at the same moment both get one; nothing is lost by that.
final class GCSTokens: Sendable {
    private static let marginMilliseconds: Int64 = 300_000

    private let account: ServiceAccount
    private let exchange: HTTPExchange
    private let clock: @Sendable () -> Int64
    private let current = Mutex<(token: String, endsAt: Int64)?>(nil)

    init(
        _ account: ServiceAccount, exchange: HTTPExchange, clock: @escaping @Sendable () -> Int64
    ) {
        self.account = account
        self.exchange = exchange
        self.clock = clock
    }

    /// - Throws: `credentialsRefused` if the account or its key is not known any more.
    func token() async throws(BucketError) -> String {
        let now = clock()
        if let current = current.withLock({ $0 }), now < current.endsAt { return current.token }
        let body = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", try account.assertion(now: now)),
        ].map { "\($0)=\(URIText.encoded($1))" }.joined(separator: "&")
        let request = ExchangeRequest(
            method: "POST", target: account.tokenPath,
            headers: [("content-type", "application/x-www-form-urlencoded")],
            body: Array(body.utf8))
        let reply = try await exchange.send { () throws(BucketError) in request }
        guard reply.status == 200 else { throw Self.failure(reply) }
        guard
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.body)),
            (1...8_192).contains(answer.accessToken.utf8.count),
            answer.accessToken.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            (1...86_400).contains(answer.expiresIn)
        else { throw .unexpected(status: 200, code: "NoToken") }
        let endsAt = now + answer.expiresIn * 1_000 - Self.marginMilliseconds
        current.withLock { $0 = (answer.accessToken, endsAt) }
        return answer.accessToken
    }

    /// The store does not take it: the next call fetches another one.
    func forget(_ token: String) {
        current.withLock { if $0?.token == token { $0 = nil } }
    }

    func close() async { await exchange.close() }

    private struct Answer: Decodable {
        var accessToken: String
        var expiresIn: Int64

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }
    }

    private struct Refusal: Decodable {
        var error: String
    }

    private static func failure(_ reply: ExchangeReply) -> BucketError {
        let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(reply.body))
        let code = GCSFailure.checked(refusal?.error)
        switch reply.status {
        case 400, 401, 403: return .credentialsRefused(code: code)
        case 408, 429, 500...599: return .unavailable(status: reply.status, code: code)
        default: return .unexpected(status: reply.status, code: code)
        }
    }
}

/// What an answer of Google Cloud Storage that says no means.
enum GCSFailure {
    private struct Document: Decodable {
        struct Inner: Decodable {
            struct Item: Decodable { var reason: String? }
            var errors: [Item]?
            var status: String?
        }
        var error: Inner
    }

    /// - Parameter permission: what is missing if it is forbidden.
    static func error(_ reply: ExchangeReply, missing permission: String) -> BucketError {
        let document = try? JSONDecoder().decode(Document.self, from: Data(reply.body))
        let code = checked(document?.error.errors?.first?.reason ?? document?.error.status)
        switch reply.status {
        case 401: return .credentialsRefused(code: code)
        case 403: return .forbidden(action: permission, code: code)
        case 404: return .noSuchBucket
        case 408, 429, 500...599: return .unavailable(status: reply.status, code: code)
        default: return .unexpected(status: reply.status, code: code)
        }
    }

    /// Shown to people, so nothing but a word; `none` without one.
    static func checked(_ code: String?) -> String {
        guard let code else { return "none" }
        let isSound =
            (1...64).contains(code.utf8.count)
            && code.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || byte == UInt8(ascii: "_")
            }
        return isSound ? code : "unreadable"
    }
}
