import Crypto
import CryptoExtras
import Foundation
import Synchronization
import Testing

@testable import Buckets

@Suite("Google Cloud Storage")
struct GCSTests {
    private func name(_ text: String) throws -> ObjectName { try #require(ObjectName(text)) }

    private func part(_ byte: UInt8) -> [UInt8] {
        [UInt8](repeating: byte, count: BucketLimits.partBytes)
    }

    @Test("an assertion is a JWT that the account's key has signed, with what Google asks for")
    func assertion() throws {
        let (json, key) = try FakeGCS.account()
        let account = try ServiceAccount(json: json, policy: BucketPolicy())
        let parts = try account.assertion(now: 1_790_000_000_999).split(separator: ".")
        #expect(parts.count == 3)
        func decoded(_ text: Substring) throws -> Data {
            let plain = text.replacing("-", with: "+").replacing("_", with: "/")
            return try #require(
                Data(base64Encoded: plain + String(repeating: "=", count: (4 - text.count % 4) % 4))
            )
        }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try decoded(parts[2]))
        let signed = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        #expect(key.isValidSignature(signature, for: signed, padding: .insecurePKCS1v1_5))
        #expect(
            String(decoding: try decoded(parts[0]), as: UTF8.self)
                == "{\"alg\":\"RS256\",\"kid\":\"abc123\",\"typ\":\"JWT\"}")
        let claims = try JSONSerialization.jsonObject(with: try decoded(parts[1]))
        #expect(
            (claims as? NSDictionary) == [
                "iss": "exports@acme.iam.gserviceaccount.com",
                "aud": "https://oauth2.example/token", "scope": ServiceAccount.scope,
                "iat": 1_790_000_000, "exp": 1_790_003_600,
            ])
    }

    @Test("what is not the document of a key is refused without a word of it")
    func documents() throws {
        let (json, _) = try FakeGCS.account()
        let changes = [
            ("service_account", "authorized_user"), ("https:", "http:"),
            ("oauth2.example", "127.1"),
            ("exports@", "exp\\\"orts@"), ("MII", "AAAA"), ("abc123", ""),
            ("\"private_key\"", "\"key\""), ("/token", "/to?ken"), ("{", "["),
        ]
        for (old, new) in changes {
            let changed = json.replacing("\\/", with: "/").replacing(old, with: new)
            #expect(changed != json)
            do throws(BucketError) {
                _ = try ServiceAccount(json: changed, policy: BucketPolicy())
                Issue.record("\(old) → \(new) was taken")
            } catch {
                #expect(!error.description.contains("exports@"))
                #expect(!error.description.contains("MII"))
            }
        }
    }

    @Test("a token is fetched once for an hour, and another one when it is not taken any more")
    func tokens() async throws {
        let fake = FakeGCS()
        let now = Recorder<Int64>()
        _ = now.append(1_790_000_000_000)
        let bucket = try fake.bucket { now.values.last ?? 0 }
        for _ in 0..<3 { try await bucket.put(try name("a"), [1], contentType: "t/p") }
        #expect(fake.state.withLock { $0.tokens } == 1)
        _ = now.append(1_790_000_000_000 + 3_300_000)
        try await bucket.put(try name("a"), [1], contentType: "t/p")
        #expect(fake.state.withLock { $0.tokens } == 2)
        _ = fake.state.withLock { $0.revoked.insert("t2") }
        try await bucket.put(try name("a"), [2], contentType: "t/p")
        #expect(fake.state.withLock { $0.tokens } == 3)
        fake.state.withLock { $0.revoked = ["t3", "t4"] }
        let object = try name("a")
        await #expect(throws: BucketError.credentialsRefused(code: "none")) {
            try await bucket.put(object, [3], contentType: "t/p")
        }
        #expect(fake.state.withLock { $0.objects } == ["a": [2]])
    }

    @Test("a small object is one request; a large one is sent in parts without gap or overlap")
    func uploads() async throws {
        let fake = FakeGCS()
        let bucket = try fake.bucket()
        let small = try await bucket.begin(try name("d/small"), contentType: "t/p")
        try await small.finish([1, 2])
        #expect(fake.state.withLock { $0.requests.count } == 2, "a token and a request")
        let large = try await bucket.begin(try name("d/large"), contentType: "t/p")
        try await large.append(part(1))
        try await large.append(part(2))
        #expect(fake.state.withLock { $0.objects["d/large"] } == nil)
        try await large.finish([3])
        #expect(fake.state.withLock { $0.objects["d/large"] } == part(1) + part(2) + [3])
        let whole = try await bucket.begin(try name("whole"), contentType: "t/p")
        try await whole.append(part(4))
        try await whole.finish([])
        #expect(fake.state.withLock { $0.objects["whole"] } == part(4))
    }

    @Test("what the store did not keep is sent again, and what it kept is not")
    func resumption() async throws {
        let fake = FakeGCS()
        fake.state.withLock { state in
            state.keeps = [1: 256 << 10, 2: 0]
            state.lost = [3, 5, 6]
        }
        let bucket = try fake.bucket()
        let upload = try await bucket.begin(try name("a"), contentType: "t/p")
        try await upload.append(part(1))
        try await upload.append(part(2))
        try await upload.finish([3, 4])
        #expect(fake.state.withLock { $0.objects["a"] } == part(1) + part(2) + [3, 4])
    }

    @Test("an upload that was given up is taken back, and one whose session is gone begins anew")
    func sessions() async throws {
        let fake = FakeGCS()
        let bucket = try fake.bucket()
        let upload = try await bucket.begin(try name("a"), contentType: "t/p")
        try await upload.append(part(1))
        await upload.abort()
        #expect(fake.state.withLock { $0.session } == nil)
        let second = try await bucket.begin(try name("a"), contentType: "t/p")
        try await second.append(part(1))
        fake.state.withLock { $0.session = nil }
        do throws(BucketError) {
            try await second.finish([1])
            Issue.record("it was taken")
        } catch {
            #expect(error.isTransient)
        }
    }

    @Test("a session at another place is not followed")
    func otherPlace() async throws {
        for location in [
            "https://evil.example/upload?x", "http://gcs.example/upload", "/upload",
            "https://gcs.example",
            "https://gcs.example.evil.example/u", "https://gcs.example@evil.example/u",
        ] {
            let fake = FakeGCS()
            fake.state.withLock { $0.location = location }
            let bucket = try fake.bucket()
            let upload = try await bucket.begin(try name("a"), contentType: "t/p")
            let first = part(1)
            await #expect(throws: BucketError.self, "\(location)") {
                try await upload.append(first)
            }
            #expect(fake.state.withLock { $0.parts } == 0)
        }
    }

    @Test("what is missing is named, and a hostile reason is not repeated")
    func refusals() async throws {
        let fake = FakeGCS()
        let bucket = try fake.bucket()
        let object = try name("a")
        func refusal(_ status: Int, _ reason: String) -> ExchangeReply {
            let text =
                "{\"error\":{\"errors\":[{\"reason\":\"\(reason)\"}],\"message\":\"SMCANARY\"}}"
            return ExchangeReply(status: status, body: Array(text.utf8))
        }
        for (reply, error) in [
            (
                refusal(403, "forbidden"),
                BucketError.forbidden(
                    action: "storage.objects.create on orders", code: "forbidden")
            ), (refusal(404, "notFound"), .noSuchBucket),
            (refusal(412, "<b>"), .unexpected(status: 412, code: "unreadable")),
            (refusal(503, "backendError"), .unavailable(status: 503, code: "backendError")),
        ] {
            fake.state.withLock { $0.refusal = reply }
            await #expect(throws: error) {
                try await bucket.put(object, [1], contentType: "t/p")
            }
        }
    }

    @Test("names of buckets are Google's")
    func bucketNames() throws {
        let (json, _) = try FakeGCS.account()
        func isTaken(_ name: String) -> Bool {
            (try? GCSBucket.check(
                GCSLocation(bucket: name), serviceAccount: json, policy: BucketPolicy())) != nil
        }
        for name in ["abc", "a-b_c.d", String(repeating: "a", count: 63)] { #expect(isTaken(name)) }
        for name in [
            "ab", "-abc", "abc-", "a/b", "Abc", "a..b", "a b", String(repeating: "a", count: 64),
            "",
        ] { #expect(!isTaken(name), "\(name)") }
    }
}
