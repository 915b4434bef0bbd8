import Crypto
import CryptoExtras
import Foundation
import Synchronization

/// Access tokens of a service account, by the grant of RFC 7523: a claim, signed with the account's
/// key, is given away for a token that is good for an hour. One is kept until it is nearly over.
final class GCSTokens: Sendable {
    /// Opens an exchange with the place for tokens; it is closed after one answer.
    typealias Connect = @Sendable () async throws(BucketError) -> HTTPExchange

    static let scope = "https://www.googleapis.com/auth/devstorage.read_write"
    /// How long what is signed is good for; Google takes no longer one.
    static let assertionSeconds: Int64 = 3_600
    /// So long before a token's end another one is fetched.
    static let renewalSeconds: Int64 = 300
    static let tokenBytesMax = 8_192

    private let account: ServiceAccount
    private let connect: Connect
    /// Milliseconds since 1970.
    private let clock: @Sendable () -> Int64
    private let held = Mutex<Token?>(nil)

    private struct Token: Sendable {
        let text: String
        /// Milliseconds since 1970.
        let renewAt: Int64
    }

    /// What the place for tokens answers (RFC 6749, 5.1).
    private struct Grant: Decodable {
        var accessToken: String
        var tokenType: String
        var expiresIn: Int64

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case tokenType = "token_type"
            case expiresIn = "expires_in"
        }
    }

    init(
        _ account: ServiceAccount, clock: @escaping @Sendable () -> Int64,
        connect: @escaping Connect
    ) {
        self.account = account
        self.connect = connect
        self.clock = clock
    }

    /// A token that is good for some minutes more. Two tasks that ask at once may fetch one each.
    /// - Throws: `credentialsRefused`, `endpointRefused`, `unreachable`, `unavailable`,
    ///   `unexpected`, `cancelled`.
    func token() async throws(BucketError) -> String {
        let now = clock()
        if let token = held.withLock({ $0 }), now < token.renewAt { return token.text }
        return try await renew()
    }

    /// Another token than one that the store did not accept.
    func token(otherThan refused: String) async throws(BucketError) -> String {
        held.withLock { token in
            if token?.text == refused { token = nil }
        }
        return try await token()
    }

    private func renew() async throws(BucketError) -> String {
        let exchange = try await connect()
        let reply: ExchangeReply
        do throws(BucketError) {
            reply = try await exchange.send { () throws(BucketError) -> ExchangeRequest in
                try request()
            }
            await exchange.close()
        } catch {
            await exchange.close()
            throw error
        }
        let token = try take(reply)
        held.withLock { $0 = token }
        return token.text
    }

    private func request() throws(BucketError) -> ExchangeRequest {
        let grant = URIText.encoded("urn:ietf:params:oauth:grant-type:jwt-bearer")
        let assertion = try Self.assertion(of: account, at: clock() / 1_000)
        return ExchangeRequest(
            method: "POST", target: account.tokenAddress.target,
            headers: [("content-type", "application/x-www-form-urlencoded")],
            body: Array("grant_type=\(grant)&assertion=\(assertion)".utf8))
    }

    private func take(_ reply: ExchangeReply) throws(BucketError) -> Token {
        guard reply.status == 200 else { throw GCSFailure.error(ofGrant: reply) }
        let grant: Grant
        do {
            grant = try JSONDecoder().decode(Grant.self, from: Data(reply.body))
        } catch {
            throw .unexpected(status: 200, code: "NoToken")
        }
        // It becomes a part of a header.
        guard (1...Self.tokenBytesMax).contains(grant.accessToken.utf8.count),
            grant.accessToken.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            grant.tokenType.lowercased() == "bearer", (1...86_400).contains(grant.expiresIn)
        else { throw .unexpected(status: 200, code: "NoToken") }
        // Of a token for a few minutes half its time is used.
        let seconds = max(grant.expiresIn - Self.renewalSeconds, grant.expiresIn / 2)
        return Token(text: grant.accessToken, renewAt: clock() + seconds * 1_000)
    }

    private struct Header: Encodable {
        let alg = "RS256"
        let kid: String
        let typ = "JWT"
    }

    private struct Claims: Encodable {
        let aud: String
        let exp: Int64
        let iat: Int64
        let iss: String
        let scope: String
    }

    /// The signed claim: a JSON web token of RFC 7515, `HEADER.CLAIMS.SIGNATURE`, each part in the
    /// Base64 alphabet for URLs without padding.
    /// - Parameter seconds: since 1970.
    static func assertion(
        of account: ServiceAccount, at seconds: Int64
    ) throws(BucketError) -> String {
        let claims = Claims(
            aud: account.tokenURI, exp: seconds + assertionSeconds, iat: seconds,
            iss: account.email, scope: scope)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let header = try encoder.encode(Header(kid: account.keyID))
            let signed = base64URL(header) + "." + base64URL(try encoder.encode(claims))
            let digest = SHA256.hash(data: Data(signed.utf8))
            // The padding is called insecure for its use in encryption; RS256 is this one.
            let signature = try account.key.signature(for: digest, padding: .insecurePKCS1v1_5)
            return signed + "." + base64URL(signature.rawRepresentation)
        } catch {
            throw .credentialsRefused(code: "KeyCannotSign")
        }
    }

    private static func base64URL(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }
}
