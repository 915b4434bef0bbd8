import Crypto
import FoundationEssentials

/// Makes and checks client secrets. A secret is 256 random bits in 43 characters of [A-Za-z0-9_-];
/// the store holds only HMAC-SHA-256 over client id and secret under a pepper that lives in the
/// keyring, so that a stolen store neither reveals a secret nor lets one be tried offline.
struct ClientSecrets: Sendable {
    private let pepper: SymmetricKey
    /// Compared against when the client does not exist, so that the answer takes as long.
    private let nobody: String

    init(pepper: [UInt8]) {
        self.pepper = SymmetricKey(data: pepper)
        nobody = Data(Self.randomBytes(32)).base64EncodedString()
    }

    /// 43 characters, 256 bits from the system's generator.
    static func make() -> String { Base64URL.encode(randomBytes(32)) }

    /// 22 characters behind `c-`: 128 random bits, so that an id is never given twice.
    static func makeClientID() -> String { "c-" + Base64URL.encode(randomBytes(16)) }

    /// Base64 of 32 bytes, what `ClientRecord.secretHash` holds.
    func hash(clientID: String, secret: String) -> String {
        code(clientID: clientID, secret: secret).base64EncodedString()
    }

    /// Compares in constant time. Does the same work if `storedHash` is nil (no such client) and
    /// then says false.
    func matches(clientID: String, secret: String, storedHash: String?) -> Bool {
        let stored = Data(base64Encoded: storedHash ?? nobody) ?? Data()
        let isEqual = HMAC<SHA256>.isValidAuthenticationCode(
            stored, authenticating: Self.message(clientID, secret), using: pepper)
        return isEqual && storedHash != nil
    }

    private func code(clientID: String, secret: String) -> Data {
        Data(
            HMAC<SHA256>.authenticationCode(
                for: Self.message(clientID, secret), using: pepper))
    }

    /// The zero byte keeps ("ab","c") and ("a","bc") apart: neither text can hold one.
    private static func message(_ clientID: String, _ secret: String) -> [UInt8] {
        Array(clientID.utf8) + [0] + Array(secret.utf8)
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
