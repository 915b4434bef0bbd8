import Crypto
import CryptoExtras
import Foundation

/// A Google Cloud service account: the JSON document of one of its keys. It makes the assertions
/// (RFC 7523) for which Google gives access tokens.
struct ServiceAccount: Sendable {
    /// What is asked for: objects may be written and removed, nothing be administered.
    static let scope = "https://www.googleapis.com/auth/devstorage.read_write"
    static let assertionSeconds: Int64 = 3_600

    let email: String
    let keyID: String
    /// `https://oauth2.googleapis.com/token`, taken apart.
    let tokenEndpoint: Endpoint
    let tokenPath: String
    private let tokenURI: String
    private let key: _RSA.Signing.PrivateKey

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

    /// - Throws: `invalid`, never with anything of the document; `endpointRefused` for its
    ///   `token_uri`.
    init(json: String, policy: BucketPolicy) throws(BucketError) {
        let invalid = BucketError.invalid(
            pointer: "/serviceAccount",
            expected: "the JSON document of a service account's key, as Google Cloud gives it")
        guard json.utf8.count <= 32 << 10,
            let document = try? JSONDecoder().decode(Document.self, from: Data(json.utf8)),
            document.type == "service_account", Self.isWord(document.clientEmail),
            Self.isWord(document.privateKeyID)
        else { throw invalid }
        email = document.clientEmail
        keyID = document.privateKeyID
        tokenURI = document.tokenURI
        guard let (origin, path) = Self.split(document.tokenURI) else { throw invalid }
        tokenEndpoint = try Endpoint(
            parsing: origin, pointer: "/serviceAccount/token_uri", policy: policy)
        tokenPath = path
        do {
            // Refuses keys of less than 2,048 bits.
            key = try _RSA.Signing.PrivateKey(pemRepresentation: document.privateKey)
        } catch {
            throw .invalid(
                pointer: "/serviceAccount/private_key",
                expected: "an RSA key of at least 2,048 bits as PEM")
        }
    }

    /// A JWT signed with RS256 that says who asks for what, good for an hour.
    /// - Parameter now: milliseconds since 1970.
    func assertion(now: Int64) throws(BucketError) -> String {
        let issued = now / 1_000
        let header = "{\"alg\":\"RS256\",\"kid\":\"\(keyID)\",\"typ\":\"JWT\"}"
        let claims =
            "{\"aud\":\"\(tokenURI)\",\"exp\":\(issued + Self.assertionSeconds),\"iat\":\(issued),"
            + "\"iss\":\"\(email)\",\"scope\":\"\(Self.scope)\"}"
        let text = Self.base64URL(Data(header.utf8)) + "." + Self.base64URL(Data(claims.utf8))
        do {
            let signature = try key.signature(
                for: SHA256.hash(data: Data(text.utf8)), padding: .insecurePKCS1v1_5)
            return text + "." + Self.base64URL(signature.rawRepresentation)
        } catch {
            throw .credentialsRefused(code: "the key cannot sign")
        }
    }

    /// `https://HOST[:PORT]` and the path behind it, which must be plain.
    private static func split(_ uri: String) -> (origin: String, path: String)? {
        guard isWord(uri), let scheme = uri.firstRange(of: "://"),
            let slash = uri[scheme.upperBound...].firstIndex(of: "/")
        else { return nil }
        let path = uri[slash...]
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: "/-._~".utf8.contains(byte)
            }
        }
        return isPlain ? (String(uri[..<slash]), String(path)) : nil
    }

    /// Visible ASCII that needs no escape in JSON, so that it can be put into a claim as it is.
    private static func isWord(_ text: String) -> Bool {
        (1...512).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"\"\\".utf8.contains($0) }
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }
}
