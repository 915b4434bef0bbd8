import COpenSSL
import Testing

@testable import Privacy

@Suite struct FieldCipherTests {
    @Test("the self test holds: RFC 5297 vectors, Tink vectors, an alteration is seen")
    func selfTest() throws {
        try CipherSelfTest.run()
    }

    @Test("each known answer is really compared: a wrong one would be noticed")
    func knownAnswersDiffer() throws {
        var cipher = KeyFixture().cipher()
        let (plaintext, expected) = CipherSelfTest.tink[3]
        // Another key must not give Tink's answer.
        let sealed = CipherSelfTest.seal(Array(plaintext.utf8), with: &cipher)
        #expect(sealed != Array(expected.utf8))
        #expect(CipherSelfTest.rfc5297.count == 2)
    }

    @Test("every length from 1 to 300 is what OpenSSL's AES-256-SIV gives")
    func differential() throws {
        var generator = SeededGenerator(20_261_123)
        for count in 1...300 {
            let key = KeyFixture(bytes: generator.bytes(64), id: 0x0102_0304)
            let plaintext = generator.bytes(count)
            let sealed = try decoded(key.seal(plaintext))
            #expect(Array(sealed[..<5]) == [1, 1, 2, 3, 4])
            #expect(Array(sealed[5...]) == openSSL(plaintext, key: key.bytes), "length \(count)")
            #expect(try key.open(key.seal(plaintext)) == plaintext)
        }
    }

    @Test("random keys and lengths up to 20,000 bytes are what OpenSSL gives")
    func differentialRandom() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed)
        for _ in 0..<60 {
            let key = KeyFixture(bytes: generator.bytes(64))
            let plaintext = generator.bytes(Int.random(in: 1...20_000, using: &generator))
            let sealed = try decoded(key.seal(plaintext))
            #expect(Array(sealed[5...]) == openSSL(plaintext, key: key.bytes), "seed \(seed)")
        }
    }

    @Test("the counter starts with bits 31 and 63 cleared and carries over 128 bits")
    func counterBits() {
        // V with both bits set, and with all bits set so that the counter wraps as a number of
        // 128 bits: AES of the counter blocks is the key stream, so zeroes encrypt to it.
        let vectors: [UInt128] = [
            UInt128(1) << 31 | UInt128(1) << 63, .max, UInt128(0x7FFF_FFFF) << 32,
        ]
        for vector in vectors {
            let key = (0..<64).map { UInt8($0) }
            var cipher = SyntheticIV()
            key.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress { cipher.setKeyWithEmptyComponent(start) }
            }
            let zeroes = [UInt8](repeating: 0, count: 200)
            var stream = zeroes
            zeroes.withUnsafeBytes { zeroes in
                stream.withUnsafeMutableBytes { stream in
                    guard let start = stream.baseAddress else { return }
                    cipher.applyCounter(vector, to: zeroes, into: start)
                }
            }
            let first = vector & ~(UInt128(1) << 31) & ~(UInt128(1) << 63)
            for block in 0..<12 {
                let counter = first &+ UInt128(block)
                let expected = aesBlock(counter, key: Array(key[32...]))
                #expect(Array(stream[block * 16..<block * 16 + 16]) == expected)
            }
        }
    }

    @Test("an empty value seals to 28 characters and opens to an empty value")
    func emptyPlaintext() throws {
        let key = KeyFixture()
        let sealed = key.seal([])
        #expect(sealed.count == 28)
        #expect(sealed.count == FieldCipher.sealedCount(0))
        #expect(try key.open(sealed) == [])
    }

    @Test("the same value under one key gives the same text, under another key another")
    func deterministic() {
        let value = Array("user@example.com".utf8)
        let other = KeyFixture(bytes: [UInt8](repeating: 9, count: 64))
        #expect(KeyFixture().seal(value) == KeyFixture().seal(value))
        #expect(KeyFixture().seal(value) != other.seal(value))
    }

    @Test("a key that is set again leaves nothing of the one before")
    func rekeying() throws {
        let first = KeyFixture()
        let second = KeyFixture(bytes: [UInt8](repeating: 1, count: 64), id: 7)
        var cipher = FieldCipher()
        for key in [first, second, first] {
            key.bytes.withUnsafeBytes { cipher.setKey($0, keyID: key.id) }
            #expect(CipherSelfTest.seal([1, 2, 3], with: &cipher) == key.seal([1, 2, 3]))
        }
    }

    @Test("every flipped bit of the binary form is refused and leaves no plaintext behind")
    func flippedBits() throws {
        let key = KeyFixture()
        let plaintext = Array("4111 1111 1111 1111".utf8)
        let binary = try decoded(key.seal(plaintext))
        for bit in 0..<(binary.count * 8) {
            var altered = binary
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            var cipher = key.cipher()
            var output = [UInt8](repeating: 0xAA, count: plaintext.count + 8)
            let text = encoded(altered)
            var failure: OpenError?
            text.withUnsafeBytes { text in
                output.withUnsafeMutableBytes { output in
                    do throws(OpenError) {
                        _ = try cipher.open(text, into: output)
                    } catch {
                        failure = error
                    }
                }
            }
            let expected: OpenError = bit < 8 ? .malformed : bit < 40 ? .wrongKey : .altered
            #expect(failure == expected, "bit \(bit)")
            let isUntouched = output.allSatisfy { $0 == 0xAA || $0 == 0 }
            #expect(isUntouched, "bit \(bit)")
        }
    }

    @Test(
        "what is not a sealed field is refused",
        arguments: [
            "", "A", "====", "AQ==", "AQECAwRv9bjvU/w2VgbNPqBHN0i", "AQECAwRv9bjvU/w2VgbNPqBHN0==",
            "AQECAwRv9bjvU/w2VgbNPqBHN0iF=", "AQECAwRv9bjvU/w2VgbNPqBHN0i\u{0}",
            "AQECAwRv9bjvU_w2VgbNPqBHN0iF", "AQECAwRv9bjvU/w2VgbNPqBHN0iF\n",
            "AgECAwRv9bjvU/w2VgbNPqBHN0iF", "user@example.com plain text!",
        ])
    func malformed(text: String) {
        let key = KeyFixture(bytes: CipherSelfTest.tinkKey, id: CipherSelfTest.tinkKeyID)
        #expect(throws: OpenError.malformed) { try key.open(Array(text.utf8)) }
    }

    private func decoded(_ text: [UInt8]) throws -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Base64.decodedCountMax(text.count))
        let count = try #require(
            text.withUnsafeBytes { text in
                output.withUnsafeMutableBytes { output in
                    Base64.shared.decode(
                        text.baseAddress!, count: text.count, into: output.baseAddress!)
                }
            })
        return Array(output[..<count])
    }

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Base64.encodedCount(bytes.count))
        _ = bytes.withUnsafeBytes { bytes in
            output.withUnsafeMutableBytes { output in
                Base64.shared.encode(
                    bytes.baseAddress!, count: bytes.count, into: output.baseAddress!)
            }
        }
        return output
    }

    private func aesBlock(_ block: UInt128, key: [UInt8]) -> [UInt8] {
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: 32)
        var count: Int32 = 0
        let input = withUnsafeBytes(of: block.bigEndian) { Array($0) }
        #expect(EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nil, key, nil) == 1)
        #expect(EVP_EncryptUpdate(context, &output, &count, input, 16) == 1)
        return Array(output[..<16])
    }

    /// SIV then ciphertext, with one empty component, by OpenSSL's own AES-256-SIV.
    private func openSSL(_ plaintext: [UInt8], key: [UInt8]) -> [UInt8] {
        let cipher = EVP_CIPHER_fetch(nil, "AES-256-SIV", nil)
        let context = EVP_CIPHER_CTX_new()
        defer {
            EVP_CIPHER_CTX_free(context)
            EVP_CIPHER_free(cipher)
        }
        var output = [UInt8](repeating: 0, count: plaintext.count)
        var tag = [UInt8](repeating: 0, count: 16)
        var count: Int32 = 0
        #expect(EVP_EncryptInit_ex(context, cipher, nil, key, nil) == 1)
        #expect(EVP_EncryptUpdate(context, nil, &count, tag, 0) == 1)
        #expect(
            EVP_EncryptUpdate(context, &output, &count, plaintext, Int32(plaintext.count)) == 1)
        #expect(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1)
        return tag + output
    }
}
