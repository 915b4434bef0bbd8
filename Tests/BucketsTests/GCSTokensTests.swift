import Crypto
import CryptoExtras
import Foundation
import Synchronization
import Testing

@testable import Buckets

@Suite("tokens of a service account")
struct GCSTokensTests {
    /// Answers requests for tokens from a script, at a time that a test sets.
    private final class Place: Sendable {
        let replies: [ExchangeReply]
        let sent = Mutex<[ExchangeRequest]>([])
        let closed = Mutex(0)
        let now = Mutex<Int64>(1_700_000_000_000)

        init(_ replies: ExchangeReply...) { self.replies = replies }

        func tokens() throws -> GCSTokens {
            let account = try ServiceAccount(
                parsing: ServiceAccountKey.json(), policy: BucketPolicy())
            return GCSTokens(account, clock: { self.now.withLock { $0 } }) {
                () async throws(BucketError) in
                HTTPExchange(
                    endpoint: account.tokenAddress.endpoint,
                    transport: { request throws(BucketError) in self.answer(request) },
                    pause: { _ in }, shutDown: { self.closed.withLock { $0 += 1 } })
            }
        }

        private func answer(_ request: ExchangeRequest) -> ExchangeReply {
            sent.withLock { sent in
                sent.append(request)
                return replies[min(sent.count, replies.count) - 1]
            }
        }
    }

    private static func grant(_ token: String, _ seconds: Int = 3_599) -> ExchangeReply {
        reply(
            200, #"{"access_token":"\#(token)","token_type":"Bearer","expires_in":\#(seconds)}"#)
    }

    private static func reply(_ status: Int, _ body: String) -> ExchangeReply {
        ExchangeReply(status: status, body: Array(body.utf8))
    }

    private struct Header: Decodable, Equatable {
        var alg: String
        var kid: String
        var typ: String
    }

    private struct Claims: Decodable, Equatable {
        var iss: String
        var scope: String
        var aud: String
        var iat: Int
        var exp: Int
    }

    private func bytes(_ part: Substring) throws -> Data {
        let text = part.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return try #require(Data(base64Encoded: text + padding))
    }

    @Test("are asked for with a claim that the account's public key verifies")
    func assertion() async throws {
        let place = Place(Self.grant("t"))
        #expect(try await place.tokens().token() == "t")
        let request = try #require(place.sent.withLock { $0.first })
        #expect(request.method == "POST")
        #expect(request.target == "/token")
        let (form, prefix) = (
            String(decoding: request.body, as: UTF8.self),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        )
        #expect(form.hasPrefix(prefix))
        let parts = form.dropFirst(prefix.count).split(separator: ".")
        try #require(parts.count == 3)
        let digest = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try bytes(parts[2]))
        let key = try ServiceAccountKey.key.get().publicKey
        #expect(key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5))
        #expect(
            try JSONDecoder().decode(Header.self, from: try bytes(parts[0]))
                == Header(alg: "RS256", kid: "0123abcd", typ: "JWT"))
        #expect(
            try JSONDecoder().decode(Claims.self, from: try bytes(parts[1]))
                == Claims(
                    iss: ServiceAccountKey.email,
                    scope: "https://www.googleapis.com/auth/devstorage.read_write",
                    aud: ServiceAccountKey.tokenURI, iat: 1_700_000_000, exp: 1_700_003_600))
    }

    @Test("are kept until five minutes before their end")
    func renewal() async throws {
        let place = Place(Self.grant("first"), Self.grant("second"))
        let tokens = try place.tokens()
        #expect(try await tokens.token() == "first")
        place.now.withLock { $0 += 3_298_999 }
        #expect(try await tokens.token() == "first")
        place.now.withLock { $0 += 1 }
        #expect(try await tokens.token() == "second")
        #expect(place.closed.withLock { $0 } == 2)
    }

    @Test("of a few minutes are used for half of them")
    func short() async throws {
        let place = Place(Self.grant("first", 60), Self.grant("second", 60))
        let tokens = try place.tokens()
        #expect(try await tokens.token() == "first")
        place.now.withLock { $0 += 29_999 }
        #expect(try await tokens.token() == "first")
        place.now.withLock { $0 += 1 }
        #expect(try await tokens.token() == "second")
    }

    @Test("are fetched anew for one that was refused, unless that was done already")
    func refused() async throws {
        let place = Place(Self.grant("first"), Self.grant("second"), Self.grant("third"))
        let tokens = try place.tokens()
        #expect(try await tokens.token() == "first")
        #expect(try await tokens.token(otherThan: "first") == "second")
        #expect(try await tokens.token(otherThan: "first") == "second")
    }

    @Test("are not given for what is not accepted; the error has the code alone")
    func errors() async throws {
        func error(_ reply: ExchangeReply) async throws -> BucketError? {
            let place = Place(reply)
            let tokens = try place.tokens()
            let error = await #expect(throws: BucketError.self) { try await tokens.token() }
            #expect(place.closed.withLock { $0 } == 1)
            return error
        }
        let refusal = #"{"error":"invalid_grant","error_description":"SMCANARY"}"#
        #expect(
            try await error(Self.reply(400, refusal))
                == .credentialsRefused(code: "invalid_grant"))
        #expect(
            try await error(Self.reply(401, #"{"error":"in valid"}"#))
                == .credentialsRefused(code: "unreadable"))
        #expect(
            try await error(Self.reply(503, "<html>SMCANARY"))
                == .unavailable(status: 503, code: "none"))
        #expect(
            try await error(Self.reply(404, "")) == .unexpected(status: 404, code: "none"))
        let redirect = ExchangeReply(
            status: 302, headers: [("location", "https://evil.example/")])
        #expect(try await error(redirect) == .endpointRefused("it redirects"))
    }

    @Test(
        "are nothing that could not stand in a header",
        arguments: [
            "", "{}", "[]", #"{"access_token":"","token_type":"Bearer","expires_in":3599}"#,
            #"{"access_token":"a b","token_type":"Bearer","expires_in":3599}"#,
            #"{"access_token":"a\r\nx: y","token_type":"Bearer","expires_in":3599}"#,
            #"{"access_token":"é","token_type":"Bearer","expires_in":3599}"#,
            #"{"access_token":"a","token_type":"mac","expires_in":3599}"#,
            #"{"access_token":"a","token_type":"Bearer","expires_in":0}"#,
            #"{"access_token":"a","token_type":"Bearer","expires_in":-5}"#,
            #"{"access_token":"a","token_type":"Bearer","expires_in":9999999999999}"#,
            #"{"id_token":"a"}"#,
        ])
    func unusable(body: String) async throws {
        let tokens = try Place(Self.reply(200, body)).tokens()
        await #expect(throws: BucketError.unexpected(status: 200, code: "NoToken")) {
            try await tokens.token()
        }
    }
}
