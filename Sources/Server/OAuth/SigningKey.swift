import Crypto
import FoundationEssentials

/// One ES256 key pair that signs tokens. Derived from a 32-byte secret of the keyring, so that it
/// is the same after a restart and no private key is ever stored beside the events.
struct SigningKey: Sendable {
    /// The number under which the vault keeps the secret; ascending.
    let number: Int
    /// RFC 7638 thumbprint of the public key, 43 characters.
    let keyID: String
    /// The first segment of an access token and of a refresh token, byte by byte. A token is ours
    /// only if its first segment equals one of these: algorithm, key id and type are then exact
    /// before anything is parsed or verified, and no `jku`, `x5u`, `jwk` or `crit` can be there.
    let accessHeader: [UInt8]
    let refreshHeader: [UInt8]

    private let privateKey: P256.Signing.PrivateKey
    private let publicKey: P256.Signing.PublicKey

    init(number: Int, secret: [UInt8]) {
        let key = Self.privateKey(from: secret)
        let point = key.publicKey.rawRepresentation
        let thumbprint = SHA256.hash(
            data: Data(
                """
                {"crv":"P-256","kty":"EC","x":"\(Base64URL.encode(point.prefix(32)))",\
                "y":"\(Base64URL.encode(point.suffix(32)))"}
                """.utf8))
        self.number = number
        keyID = Base64URL.encode(Array(thumbprint))
        accessHeader = Self.header(keyID: keyID, type: "at+jwt")
        refreshHeader = Self.header(keyID: keyID, type: "rt+jwt")
        privateKey = key
        publicKey = key.publicKey
    }

    /// The public half as a member of a JWK set (RFC 7517); always with `alg`.
    var jwk: WireValue {
        let point = publicKey.rawRepresentation
        return [
            "kty": "EC", "use": "sig", "alg": "ES256", "kid": .string(keyID), "crv": "P-256",
            "x": .string(Base64URL.encode(point.prefix(32))),
            "y": .string(Base64URL.encode(point.suffix(32))),
        ]
    }

    /// `header.payload.signature`
    func sign(header: [UInt8], payload: [UInt8]) throws -> String {
        let head = String(decoding: header, as: UTF8.self)
        let input = head + "." + Base64URL.encode(payload)
        let signature = try privateKey.signature(for: Data(input.utf8))
        return input + "." + Base64URL.encode(signature.rawRepresentation)
    }

    func isValid(signature: [UInt8], of input: some Collection<UInt8>) -> Bool {
        guard signature.count == 64,
            let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return publicKey.isValidSignature(parsed, for: Data(input))
    }

    private static func header(keyID: String, type: String) -> [UInt8] {
        Array(
            Base64URL.encode(
                Array("{\"alg\":\"ES256\",\"kid\":\"\(keyID)\",\"typ\":\"\(type)\"}".utf8)
            ).utf8)
    }

    /// A P-256 scalar must be below the group order, which a random 32-byte string is, but for one
    /// in 2^32: hash on until it is.
    private static func privateKey(from secret: [UInt8]) -> P256.Signing.PrivateKey {
        var scalar = Data(
            HMAC<SHA256>.authenticationCode(
                for: Data("stream-machine token signing".utf8), using: SymmetricKey(data: secret)))
        while true {
            if let key = try? P256.Signing.PrivateKey(rawRepresentation: scalar) { return key }
            scalar = Data(SHA256.hash(data: scalar))
        }
    }
}
