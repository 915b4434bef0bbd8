import CryptoExtras
import Foundation

/// A service account and the key that proves it, as Google Cloud gives them out in a JSON document.
/// Secret: never printed, and no error holds a part of it.
struct ServiceAccount: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    static let documentBytesMax = 64 << 10

    /// The account's name: `exports@project.iam.gserviceaccount.com`.
    let email: String
    /// Which of the account's keys this is.
    let keyID: String
    /// Where tokens are given out, as the document spells it: what is signed names it.
    let tokenURI: String
    let tokenAddress: PageAddress
    /// RSA, 2,048 bits or more.
    let key: _RSA.Signing.PrivateKey

    var description: String { "a service account" }
    var debugDescription: String { description }

    private struct Document: Decodable {
        var type: String
        var clientEmail: String
        var privateKey: String
        var privateKeyID: String
        var tokenURI: String

        enum CodingKeys: String, CodingKey {
            case type
            case clientEmail = "client_email"
            case privateKey = "private_key"
            case privateKeyID = "private_key_id"
            case tokenURI = "token_uri"
        }
    }

    /// Reads the document. Members that are not used here are not looked at.
    /// - Throws: `invalid`, or `endpointRefused` for a place for tokens that the policy does not
    ///   allow.
    init(parsing json: String, policy: BucketPolicy) throws(BucketError) {
        let document = try Self.document(json)
        guard document.type == "service_account" else {
            throw Self.invalid("a key of the type service_account")
        }
        let email = document.clientEmail
        guard Self.isName(email), email.contains("@") else {
            throw Self.invalid("the account's address as client_email")
        }
        guard Self.isName(document.privateKeyID) else {
            throw Self.invalid("the key's identifier as private_key_id")
        }
        self.email = email
        self.keyID = document.privateKeyID
        self.tokenURI = document.tokenURI
        tokenAddress = try PageAddress(
            parsing: document.tokenURI, policy: policy,
            orThrow: Self.invalid("one such as https://oauth2.googleapis.com/token as token_uri"))
        if let literal = tokenAddress.endpoint.literalAddress {
            try AddressRule.check([literal], policy: policy)
        }
        key = try Self.key(document.privateKey)
    }

    private static func document(_ json: String) throws(BucketError) -> Document {
        let invalid = invalid("the JSON document of a service account's key, at most 64 KiB")
        guard json.utf8.count <= documentBytesMax else { throw invalid }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(json.utf8))
        } catch {
            // The decoder's own words may hold what it read.
            throw invalid
        }
    }

    /// One PEM block of PKCS#8, which is not encrypted: there is nobody to ask for a passphrase.
    private static func key(_ pem: String) throws(BucketError) -> _RSA.Signing.PrivateKey {
        let invalid = invalid("an RSA key of 2048 bits or more in PKCS#8 as private_key")
        let text = pem.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"),
            text.hasSuffix("\n-----END PRIVATE KEY-----"),
            text.ranges(of: "-----BEGIN").count == 1
        else { throw invalid }
        do {
            return try _RSA.Signing.PrivateKey(pemRepresentation: text + "\n")
        } catch {
            throw invalid
        }
    }

    private static func invalid(_ expected: String) -> BucketError {
        .invalid(pointer: "/serviceAccount", expected: expected)
    }

    private static func isName(_ text: String) -> Bool {
        (1...320).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
