import Crypto
import Foundation
import JWTKit
import Store
import Testing

@testable import Server

@Suite("Access tokens")
struct TokenTests {
    static let now: Milliseconds = 1_795_000_000_000
    static let secret = [UInt8](repeating: 7, count: 32)

    static func tokens(_ numbers: [Int] = [1]) -> Tokens {
        let entries = numbers.map {
            SigningKeys.Entry(
                key: SigningKey(
                    number: $0, secret: secret.map { [$0] }.flatMap { $0 } + [UInt8($0)]),
                createdAt: now)
        }
        return Tokens(
            keys: SigningKeys(entries), issuer: "http://issuer.test", audience: "stream-machine",
            accessSeconds: 600, refreshSeconds: 3_600)
    }

    static func claims(_ change: (inout [String: Any]) -> Void = { _ in }) -> [UInt8] {
        var claims: [String: Any] = [
            "iss": "http://issuer.test", "aud": "stream-machine", "sub": "c", "client_id": "c",
            "role": "sender", "scope": "demo", "iat": now / 1_000, "exp": now / 1_000 + 600,
            "jti": "j",
        ]
        change(&claims)
        let data = (try? JSONSerialization.data(withJSONObject: claims)) ?? Data()
        return [UInt8](data)
    }

    static func header(_ json: String) -> [UInt8] {
        Array(Base64URL.encode(Array(json.utf8)).utf8)
    }

    @Test("a token that we issue verifies as what it is and not as the other kind")
    func roundTrip() throws {
        let tokens = Self.tokens()
        for (kind, other) in [(Tokens.Kind.access, Tokens.Kind.refresh), (.refresh, .access)] {
            let issued = try tokens.issue(
                kind, clientID: "c", role: .reader, scope: "demo", now: Self.now)
            let bytes = Array(issued.token.utf8)
            #expect(tokens.verify(kind, bytes, now: Self.now)?.scope == "demo")
            #expect(tokens.verify(other, bytes, now: Self.now) == nil)
        }
    }

    /// What JWTKit reads out of our token.
    struct Payload: JWTPayload {
        var iss: IssuerClaim
        var aud: AudienceClaim
        var sub: SubjectClaim
        var exp: ExpirationClaim
        var role: String
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    @Test("JWTKit verifies our token with nothing but our JWK set")
    func foreignVerifier() async throws {
        let tokens = Self.tokens([1, 2])
        let issued = try tokens.issue(
            .access, clientID: "c", role: .reader, scope: nil, now: Self.now)
        let keys = JWTKeyCollection()
        try await keys.add(jwksJSON: String(decoding: tokens.keys.jwkSet.bytes, as: UTF8.self))
        let payload = try await keys.verify(issued.token, as: Payload.self)
        #expect(payload.sub.value == "c")
        #expect(payload.aud.value == ["stream-machine"])
    }

    @Test(
        "after a rotation the new key signs, the old one still verifies, and a retired one does not"
    )
    func rotation() throws {
        let old = try Self.tokens([1]).issue(
            .access, clientID: "c", role: .sender, scope: "demo", now: Self.now)
        let both = Self.tokens([1, 2])
        #expect(both.verify(.access, Array(old.token.utf8), now: Self.now) != nil)
        let new = try both.issue(
            .access, clientID: "c", role: .sender, scope: "demo", now: Self.now)
        let onlyNew = Self.tokens([2])
        #expect(onlyNew.verify(.access, Array(new.token.utf8), now: Self.now) != nil)
        #expect(onlyNew.verify(.access, Array(old.token.utf8), now: Self.now) == nil)
    }

    @Test("a token ends at its second of expiry and is not good long before its issue")
    func expiry() throws {
        let tokens = Self.tokens()
        let token = Array(
            try tokens.issue(
                .access, clientID: "c", role: .sender, scope: "demo", now: Self.now
            ).token.utf8)
        #expect(tokens.verify(.access, token, now: Self.now + 599_999) != nil)
        #expect(tokens.verify(.access, token, now: Self.now + 600_000) == nil)
        #expect(tokens.verify(.access, token, now: Self.now - 60_000) != nil)
        #expect(tokens.verify(.access, token, now: Self.now - 61_000) == nil)
    }

    /// Signed with OUR key, so that only the claim is wrong.
    static let wrongClaims: [(name: String, payload: [UInt8])] = [
        ("expired a second ago", claims { $0["exp"] = now / 1_000 - 1 }),
        ("expires now", claims { $0["exp"] = now / 1_000 }),
        ("not before the future", claims { $0["nbf"] = now / 1_000 + 3_600 }),
        ("issued far in the future", claims { $0["iat"] = now / 1_000 + 86_400 }),
        ("another issuer", claims { $0["iss"] = "http://evil.test" }),
        ("another audience", claims { $0["aud"] = "another" }),
        ("an audience list", claims { $0["aud"] = ["stream-machine"] }),
        ("expiry as text", claims { $0["exp"] = "9999999999" }),
        ("an unknown role", claims { $0["role"] = "root" }),
        ("subject and client differ", claims { $0["sub"] = "d" }),
        ("no client", claims { $0["client_id"] = nil }),
        ("no token id", claims { $0["jti"] = nil }),
        ("scope as a list", claims { $0["scope"] = ["demo"] }),
        ("no JSON", Array("x".utf8)),
        ("a claim twice", Array(#"{"iss":"a","iss":"http://issuer.test"}"#.utf8)),
    ]

    @Test(
        "a claim that is not exactly right is refused although the signature is ours",
        arguments: wrongClaims)
    func hostileClaims(_ hostile: (name: String, payload: [UInt8])) throws {
        let tokens = Self.tokens()
        let key = try #require(tokens.keys.current)
        let token = try key.sign(header: key.accessHeader, payload: hostile.payload)
        #expect(tokens.verify(.access, Array(token.utf8), now: Self.now) == nil)
        let good = try key.sign(header: key.accessHeader, payload: Self.claims())
        #expect(tokens.verify(.access, Array(good.utf8), now: Self.now) != nil)
    }

    /// Tokens that must not pass, as texts that a client could send.
    static func hostileTokens() throws -> [(name: String, token: String)] {
        let tokens = Self.tokens()
        guard let key = tokens.keys.current else { return [] }
        let (kid, payload) = (key.keyID, claims())
        let good = try key.sign(header: key.accessHeader, payload: payload)
        let parts = good.split(separator: ".").map(String.init)
        let body = parts[1]
        func unsigned(_ header: String, _ signature: String = parts[2]) -> String {
            String(decoding: Self.header(header), as: UTF8.self) + "." + body + "." + signature
        }
        func signed(_ header: String) throws -> String {
            try key.sign(header: Self.header(header), payload: payload)
        }
        let stranger = SigningKey(number: 1, secret: [UInt8](repeating: 9, count: 32))
        let publicKey = Data(tokens.keys.jwkSet.bytes)
        let hmacInput =
            String(
                decoding: Self.header("{\"alg\":\"HS256\",\"kid\":\"\(kid)\",\"typ\":\"at+jwt\"}"),
                as: UTF8.self) + "." + body
        let hmac = HMAC<SHA256>.authenticationCode(
            for: Data(hmacInput.utf8), using: SymmetricKey(data: publicKey))
        let longKid = String(repeating: "k", count: 10_240)
        let zero = Base64URL.encode([UInt8](repeating: 0, count: 64))
        var hostile = ["none", "None", "nOnE", "NONE"].map {
            (name: "alg \($0)", token: unsigned("{\"alg\":\"\($0)\",\"typ\":\"at+jwt\"}", ""))
        }
        hostile += [
            ("HS256 under the public key", hmacInput + "." + Base64URL.encode(Array(hmac))),
            ("alg ES384", try signed("{\"alg\":\"ES384\",\"kid\":\"\(kid)\",\"typ\":\"at+jwt\"}")),
            ("no kid", try signed("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}")),
            ("unknown kid", try signed("{\"alg\":\"ES256\",\"kid\":\"x\",\"typ\":\"at+jwt\"}")),
            (
                "kid as a path",
                try signed("{\"alg\":\"ES256\",\"kid\":\"../../dev/null\",\"typ\":\"at+jwt\"}")
            ),
            (
                "kid of 10 KiB",
                try signed(
                    "{\"alg\":\"ES256\",\"kid\":\"\(longKid)\",\"typ\":\"at+jwt\"}"
                )
            ),
            ("typ JWT", try signed("{\"alg\":\"ES256\",\"kid\":\"\(kid)\",\"typ\":\"JWT\"}")),
            ("no typ", try signed("{\"alg\":\"ES256\",\"kid\":\"\(kid)\"}")),
            (
                "other order of the header",
                try signed("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"\(kid)\"}")
            ),
            ("signed by a stranger", try stranger.sign(header: key.accessHeader, payload: payload)),
            ("empty signature", parts[0] + "." + body + "."),
            ("signature of zeros", parts[0] + "." + body + "." + zero),
            ("short signature", parts[0] + "." + body + "." + String(parts[2].dropLast(4))),
            ("another signature", parts[0] + "." + body + "." + String(parts[2].reversed())),
            ("four segments", good + ".x"), ("two segments", parts[0] + "." + body),
            ("empty", ""), ("dots", ".."), ("padding", good + "="), ("white space", good + " "),
            ("64 KiB", String(repeating: "a", count: 8_000)),
            (
                "another payload",
                parts[0] + "." + Base64URL.encode(claims { $0["role"] = "administrator" }) + "."
                    + parts[2]
            ),
        ]
        for name in ["jku", "x5u", "jwk", "x5c", "crit", "b64"] {
            let extra =
                "{\"alg\":\"ES256\",\"kid\":\"\(kid)\",\"typ\":\"at+jwt\","
                + "\"\(name)\":\"http://evil.test\"}"
            hostile.append(("header \(name)", try signed(extra)))
        }
        return hostile
    }

    @Test("every hostile token is refused, also those with a true signature of ours")
    func hostile() throws {
        let tokens = Self.tokens()
        for (name, token) in try Self.hostileTokens() {
            #expect(tokens.verify(.access, Array(token.utf8), now: Self.now) == nil, "\(name)")
        }
    }

    @Test("over HTTP every bad token gets one and the same 401, whatever is wrong with it")
    func oneAnswer() async throws {
        let hostile = try Self.hostileTokens()
        try await TestServer.with { server in
            let token = try await server.demo()
            var answers: Set<String> = []
            var headers = hostile.map { "Bearer " + $0.token }
            headers += [
                "", "Basic YTpi", "Bearer", "Bearer ", token, "bearer x", "Bearer \(token)x",
            ]
            for path in ["/event", "/v1/streams"] {
                for header in headers where !header.contains("kkkk") {
                    let method = path == "/event" ? "POST" : "GET"
                    let sent = try await server.client.send(
                        method, path, headers: ["authorization": header],
                        body: method == "POST" ? Array("{}".utf8) : nil)
                    #expect(sent.status == 401, "\(header.prefix(80))")
                    #expect(sent.header("www-authenticate") == "Bearer realm=\"stream-machine\"")
                    answers.insert(sent.text)
                }
                let without = try await server.client.send(
                    path == "/event" ? "POST" : "GET", path, body: path == "/event" ? [] : nil)
                answers.insert(without.text)
            }
            #expect(answers.count == 1)
        }
    }

    @Test("the cache finds a token only whole, unexpired, and only until a right is taken away")
    func cache() {
        var cache = TokenCache()
        let principal = Principal(clientID: "c", role: .sender, scope: "demo", sendTarget: nil)
        let token = Array("header.payload.signature-of-a-good-length".utf8)
        func find(_ bytes: [UInt8], now: Milliseconds, version: UInt64) -> Principal? {
            bytes.withUnsafeBytes { cache.find($0, now: now, version: version) }
        }
        token.withUnsafeBytes {
            cache.insert($0, principal: principal, expiresAt: 1_000, version: 1)
        }
        var other = token
        other[0] ^= 1
        #expect(find(token, now: 999, version: 1) === principal)
        #expect(find(other, now: 999, version: 1) == nil)
        #expect(find(token, now: 999, version: 2) == nil)
        #expect(find(token, now: 1_000, version: 1) == nil)
        #expect(find(token, now: 999, version: 1) == nil)
        for number in 0..<20_000 {
            Array("token-\(number)-with-some-length".utf8).withUnsafeBytes {
                cache.insert($0, principal: principal, expiresAt: 1_000, version: 1)
            }
        }
        #expect(cache.count <= 4_096)
    }
}
