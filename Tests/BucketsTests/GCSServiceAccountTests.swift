import CryptoExtras
import Foundation
import Testing

@testable import Buckets

@Suite("keys of service accounts")
struct GCSServiceAccountTests {
    private let open = BucketPolicy(allowsInsecureEndpoints: true, allowsPrivateAddresses: true)

    /// A member that is changed or left out, and a word of what is expected instead.
    struct Change: Sendable, CustomTestStringConvertible {
        let member: String
        let value: String?
        let expected: String
        var testDescription: String { "\(member): \(value?.prefix(40) ?? "nothing")" }

        init(_ member: String, _ value: String?, _ expected: String) {
            self.member = member
            self.value = value
            self.expected = expected
        }
    }

    static let refused = [
        Change("type", nil, "JSON document"), Change("type", "authorized_user", "the type"),
        Change("type", "external_account", "the type"), Change("client_email", nil, "JSON"),
        Change("client_email", "", "client_email"), Change("client_email", "name", "client_email"),
        Change("client_email", "a b@c", "client_email"),
        Change("client_email", "a@\n", "client_email"),
        Change("private_key_id", nil, "JSON"), Change("private_key_id", "", "private_key_id"),
        Change("private_key_id", String(repeating: "a", count: 321), "private_key_id"),
        Change("private_key", nil, "JSON"), Change("private_key", "", "private_key"),
        Change("private_key", "SMCANARY", "private_key"),
        Change(
            "private_key", "-----BEGIN PRIVATE KEY-----\nU01DQU5BUlk=\n-----END PRIVATE KEY-----\n",
            "private_key"),
        Change("token_uri", nil, "JSON"), Change("token_uri", "", "token_uri"),
        Change("token_uri", "https://oauth2.googleapis.com", "token_uri"),
        Change("token_uri", "oauth2.googleapis.com/token", "token_uri"),
        Change("token_uri", "ftp://oauth2.googleapis.com/token", "token_uri"),
        Change("token_uri", "https://user@oauth2.googleapis.com/token", "token_uri"),
        Change("token_uri", "https://oauth2.googleapis.com/to ken", "token_uri"),
        Change("token_uri", "https://oauth2.googleapis.com/token#x", "token_uri"),
        Change("token_uri", "https://0x7f.1/token", "token_uri"),
    ]

    @Test("are read from Google's document")
    func accepted() throws {
        let account = try ServiceAccount(
            parsing: ServiceAccountKey.json(), policy: BucketPolicy())
        #expect(account.email == ServiceAccountKey.email)
        #expect(account.keyID == "0123abcd")
        #expect(account.tokenURI == ServiceAccountKey.tokenURI)
        #expect(account.tokenAddress.endpoint.origin == "https://oauth2.googleapis.com")
        #expect(account.tokenAddress.target == "/token")
        #expect("\(account)" == "a service account")
        #expect(String(reflecting: account) == "a service account")
    }

    @Test("are refused for what is missing or wrong", arguments: refused)
    func isRefused(_ change: Change) throws {
        let json = try ServiceAccountKey.json([change.member: change.value])
        let error = #expect(throws: BucketError.self) {
            try ServiceAccount(parsing: json, policy: open)
        }
        guard case .invalid("/serviceAccount", let expected) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(expected.contains(change.expected))
        #expect(!expected.contains("SMCANARY"))
    }

    @Test("are nothing but a document of a sensible size", arguments: ["", "[]", "{", "null", "é"])
    func noDocument(json: String) throws {
        #expect(throws: BucketError.self) { try ServiceAccount(parsing: json, policy: open) }
        let good = try ServiceAccountKey.json()
        let long = good + String(repeating: " ", count: ServiceAccount.documentBytesMax)
        #expect(throws: BucketError.self) { try ServiceAccount(parsing: long, policy: open) }
    }

    @Test("are of RSA, long enough, not encrypted, in PKCS#8, and one alone")
    func otherKeys() throws {
        let good = try ServiceAccountKey.key.get()
        let short = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1_024))
        let pem = good.pkcs8PEMRepresentation
        for text in [
            good.pemRepresentation, short.pkcs8PEMRepresentation, pem + pem,
            pem.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY"),
            good.publicKey.pemRepresentation,
        ] {
            let json = try ServiceAccountKey.json(["private_key": text])
            #expect(throws: BucketError.self, "\(text.prefix(40))") {
                try ServiceAccount(parsing: json, policy: open)
            }
        }
    }

    @Test("name a place for tokens that the operator allows")
    func places() throws {
        for address in ["http://tokens.example/t", "https://127.0.0.1/t", "https://[::1]:8/t"] {
            let json = try ServiceAccountKey.json(["token_uri": address])
            #expect(throws: BucketError.self, "\(address)") {
                try ServiceAccount(parsing: json, policy: BucketPolicy())
            }
            #expect(throws: Never.self, "\(address)") {
                try ServiceAccount(parsing: json, policy: open)
            }
        }
    }

    @Test("are looked at together with the bucket's name and endpoint")
    func check() throws {
        let json = try ServiceAccountKey.json()
        func check(_ location: GCSLocation, _ json: String) throws(BucketError) {
            try GCSBucket.check(location, serviceAccount: json, policy: BucketPolicy())
        }
        #expect(throws: Never.self) { try check(GCSLocation(bucket: "or_ders.example"), json) }
        for bucket in ["", "ab", "Orders", "-orders", "or/ders", "or ders", "orders?x"] {
            #expect(throws: BucketError.self, "\(bucket)") {
                try check(GCSLocation(bucket: bucket), json)
            }
        }
        #expect(throws: BucketError.self) {
            try check(GCSLocation(bucket: "orders", endpoint: "http://127.0.0.1"), json)
        }
        #expect(throws: BucketError.self) { try check(GCSLocation(bucket: "orders"), "{}") }
    }
}
