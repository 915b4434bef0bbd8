/// Which known answer the cipher did not give. The program must not start with such a cipher.
package enum CipherSelfTestError: Error, Sendable, Equatable, CustomStringConvertible {
    case rfc5297(vector: Int)
    case tink(plaintextBytes: Int)
    case randomForm(plaintextBytes: Int)
    case alterationNotSeen

    package var description: String {
        switch self {
        case .rfc5297(let vector): "AES-SIV fails vector A.\(vector) of RFC 5297"
        case .tink(let count): "AES-SIV differs from Tink for a plaintext of \(count) bytes"
        case .randomForm(let count):
            "AES-SIV with a nonce differs from Tink for a plaintext of \(count) bytes"
        case .alterationNotSeen: "AES-SIV opens an altered ciphertext"
        }
    }
}

/// Known answers for the one piece of cryptography that is assembled here. Run at every start,
/// before a key is read: it finds a miscompiled build or a broken OpenSSL before it seals anything.
package enum CipherSelfTest {
    /// Takes about 20 µs.
    package static func run() throws(CipherSelfTestError) {
        for (index, vector) in rfc5297.enumerated() where !holds(vector) {
            throw .rfc5297(vector: index + 1)
        }
        for (plaintext, sealed) in tink where !holds(plaintext, sealed) {
            throw .tink(plaintextBytes: plaintext.utf8.count)
        }
        for (plaintext, sealed) in randomForm where !holdsWithNonce(plaintext, sealed) {
            throw .randomForm(plaintextBytes: plaintext.utf8.count)
        }
        guard noticesAlteration() else { throw .alterationNotSeen }
    }

    struct Vector {
        let key: [UInt8]
        let components: [[UInt8]]
        let plaintext: [UInt8]
        let vector: [UInt8]
        let ciphertext: [UInt8]
    }

    /// RFC 5297, appendix A.1 and A.2: AES-128, and other components than events have.
    static let rfc5297 = [
        Vector(
            key: bytes("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
            components: [bytes("101112131415161718191a1b1c1d1e1f2021222324252627")],
            plaintext: bytes("112233445566778899aabbccddee"),
            vector: bytes("85632d07c6e8f37f950acd320a2ecc93"),
            ciphertext: bytes("40c02b9690c4dc04daef7f6afe5c")),
        Vector(
            key: bytes("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f"),
            components: [
                bytes(
                    "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa9988"
                        + "7766554433221100"),
                bytes("102030405060708090a0"),
                bytes("09f911029d74e35bd84156c5635688c0"),
            ],
            plaintext: bytes(
                "7468697320697320736f6d6520706c61696e7465787420746f20656e637279707420757369"
                    + "6e67205349562d414553"),
            vector: bytes("7bdb6e3b432667eb06f4d14bff2fbd0f"),
            ciphertext: bytes(
                "cb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a"
                    + "272e9c485b62a3fd5c0d")),
    ]

    /// Made by Tink 1.16.1 (Python) from the key 00 01 … 3f, id 0x01020304, no associated data.
    static let tink = [
        ("", "AQECAwRv9bjvU/w2VgbNPqBHN0iF"),
        ("a", "AQECAwTxluL77NTozxbldeiQLhXPDQ=="),
        ("0123456789abcdef", "AQECAwSLoDMREByIbbYIlTF7qjwZ2k7IQDVnk5MFAYC3iZ8/3Q=="),
        (
            "user-4711@example.com, 33 bytes !",
            "AQECAwR5/veFi56VLqUYtVn1dJ3DlwqdGkHuNhTRA9g4O3oPwA8lkuwPJYhKRvqTNF2TZKGK"
        ),
    ]

    /// The same with the nonce a0 a1 … af as associated data, in the form of version 2.
    static let randomForm = [
        ("", "AgECAwSgoaKjpKWmp6ipqqusra6vXdZAjaWC9y8Yq4y65ZBEgw=="),
        ("a", "AgECAwSgoaKjpKWmp6ipqqusra6vg5/bhc3qtcDRGZa6tEcrHs8="),
        (
            "0123456789abcdef",
            "AgECAwSgoaKjpKWmp6ipqqusra6v9TNosWbYNPq360MeKmocW5lxppShgHAJZqcuy01GZs4="
        ),
        (
            "user-4711@example.com, 33 bytes !",
            "AgECAwSgoaKjpKWmp6ipqqusra6vIyy/m9DrvE9ehwx5qmSxTA/f02tOdNuG62VGjMzxSmRv6ayc"
                + "AABQ0dZ58G75fj44mg=="
        ),
    ]
    static let randomFormNonce: UInt128 = 0xA0A1_A2A3_A4A5_A6A7_A8A9_AAAB_ACAD_AEAF

    static let tinkKey = (0..<64).map { UInt8($0) }
    static let tinkKeyID: UInt32 = 0x0102_0304

    private static func holds(_ vector: Vector) -> Bool {
        var cipher = SyntheticIV(.aes128)
        vector.key.withUnsafeBytes { key in
            guard let start = key.baseAddress else { return }
            cipher.setKey(start, components: vector.components)
        }
        let actual = vector.plaintext.withUnsafeBytes { cipher.initialisationVector($0) }
        var ciphertext = [UInt8](repeating: 0, count: vector.plaintext.count)
        vector.plaintext.withUnsafeBytes { plaintext in
            ciphertext.withUnsafeMutableBytes { output in
                guard let start = output.baseAddress else { return }
                cipher.applyCounter(actual, to: plaintext, into: start)
            }
        }
        return ciphertext == vector.ciphertext
            && withUnsafeBytes(of: actual.bigEndian) { Array($0) } == vector.vector
    }

    private static func holds(_ plaintext: String, _ sealed: String) -> Bool {
        var cipher = FieldCipher()
        tinkKey.withUnsafeBytes { cipher.setKey($0, keyID: tinkKeyID) }
        let expected = Array(sealed.utf8)
        let clear = Array(plaintext.utf8)
        guard seal(clear, with: &cipher) == expected else { return false }
        return (try? open(expected, with: &cipher)) == clear
    }

    private static func holdsWithNonce(_ plaintext: String, _ sealed: String) -> Bool {
        var cipher = FieldCipher()
        tinkKey.withUnsafeBytes { cipher.setKey($0, keyID: tinkKeyID) }
        let expected = Array(sealed.utf8)
        let clear = Array(plaintext.utf8)
        guard seal(clear, nonce: randomFormNonce, with: &cipher) == expected else { return false }
        return (try? open(expected, isRandom: true, with: &cipher)) == clear
    }

    private static func noticesAlteration() -> Bool {
        var cipher = FieldCipher()
        tinkKey.withUnsafeBytes { cipher.setKey($0, keyID: tinkKeyID) }
        var altered = Array(tink[2].1.utf8)
        altered[30] ^= 1
        do {
            _ = try open(altered, with: &cipher)
            return false
        } catch {
            return error == .altered
        }
    }

    /// A nonce chooses the random form.
    static func seal(
        _ plaintext: [UInt8], nonce: UInt128? = nil, with cipher: inout FieldCipher
    ) -> [UInt8] {
        let room = FieldCipher.sealedCount(plaintext.count, isRandom: nonce != nil)
        var output = [UInt8](repeating: 0, count: room)
        let count = output.withUnsafeMutableBytes { output in
            plaintext.withUnsafeBytes { plaintext in
                guard let nonce else { return cipher.seal(plaintext, into: output) }
                return cipher.seal(plaintext, nonce: nonce, into: output)
            }
        }
        return Array(output[..<count])
    }

    static func open(
        _ text: [UInt8], isRandom: Bool = false, with cipher: inout FieldCipher
    ) throws(OpenError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: FieldCipher.openedCountMax(text.count))
        var result: Result<Int, OpenError> = .failure(.malformed)
        output.withUnsafeMutableBytes { output in
            text.withUnsafeBytes { text in
                do throws(OpenError) {
                    result = .success(try cipher.open(text, isRandom: isRandom, into: output))
                } catch {
                    result = .failure(error)
                }
            }
        }
        return Array(output[..<(try result.get())])
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        var result: [UInt8] = []
        var high: Int?
        for digit in hexadecimal {
            let value = digit.hexDigitValue ?? 0
            if let first = high {
                result.append(UInt8(first << 4 | value))
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}
