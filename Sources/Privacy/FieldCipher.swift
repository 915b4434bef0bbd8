/// Seals and opens single fields with AES-256-SIV, byte-compatible with Tink.
///
/// What a sealed field is before base64 (standard alphabet, padded). Version 1, deterministic:
/// ```
///  0  1  0x01                 Tink's output prefix of type TINK
///  1  4  key id, big-endian   first 4 bytes of the key link
///  5 16  synthetic IV         S2V("", plaintext)
/// 21  n  ciphertext           as long as the plaintext, which may be empty
/// ```
/// Equal values under one key give equal text, which is what lets readers join sealed events of one
/// sequence. Version 2, random:
/// ```
///  0  1  0x02                 not a prefix of Tink's, so that it refuses instead of misreading
///  1  4  key id, big-endian   first 4 bytes of the key link
///  5 16  nonce, random
/// 21 16  synthetic IV         S2V(nonce, plaintext)
/// 37  n  ciphertext           as long as the plaintext, which may be empty
/// ```
/// Tink opens version 2 as `01 | key id | synthetic IV | ciphertext` with the nonce as associated
/// data. The mode is not in the ciphertext's authentication but follows from it: the components of
/// S2V differ in length, so neither form opens as the other.
///
/// Confined to one thread; nothing is allocated in steady state. The context holds the schedule of
/// the last key until the next one or the end of its life.
package struct FieldCipher: ~Copyable {
    package static let keyBytes = 64
    private static let headerBytes = 21
    private static let nonceBytes = 16

    private var cipher = SyntheticIV()
    private var keyID: UInt32 = 0
    private let base64 = Base64.shared
    /// The binary form; grows to the largest field seen.
    private var scratch = ScratchBuffer()

    package init() {}

    /// Length of the base64 text of a sealed field of `plaintextCount` bytes.
    @inline(__always)
    package static func sealedCount(_ plaintextCount: Int, isRandom: Bool = false) -> Int {
        Base64.encodedCount(headerBytes + (isRandom ? nonceBytes : 0) + plaintextCount)
    }

    /// The most plaintext bytes that a sealed field of `base64Count` characters can hold.
    @inline(__always)
    package static func openedCountMax(_ base64Count: Int) -> Int {
        max(0, Base64.decodedCountMax(base64Count) - headerBytes)
    }

    /// Takes a data key of 64 bytes (S2V key, then CTR key). About 200 ns.
    package mutating func setKey(_ bytes: UnsafeRawBufferPointer, keyID: UInt32) {
        guard let start = bytes.baseAddress, bytes.count == Self.keyBytes else {
            preconditionFailure("a data key has 64 bytes")
        }
        cipher.setKeyWithEmptyComponent(start)
        self.keyID = keyID
    }

    /// Writes the sealed text of the deterministic form and gives its length,
    /// `sealedCount(plaintext.count)`.
    package mutating func seal(
        _ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let target = output.baseAddress,
            output.count >= Self.sealedCount(plaintext.count)
        else { preconditionFailure("no room for a sealed field") }
        let binaryCount = Self.headerBytes + plaintext.count
        let binary = scratch.reserve(binaryCount)
        let vector = cipher.initialisationVector(plaintext)
        binary.storeBytes(of: 1, as: UInt8.self)
        binary.storeBytes(of: keyID.bigEndian, toByteOffset: 1, as: UInt32.self)
        binary.storeBytes(of: vector.bigEndian, toByteOffset: 5, as: UInt128.self)
        cipher.applyCounter(vector, to: plaintext, into: binary + Self.headerBytes)
        return base64.encode(binary, count: binaryCount, into: target)
    }

    /// Writes the sealed text of the random form and gives its length. `nonce` is used once.
    package mutating func seal(
        _ plaintext: UnsafeRawBufferPointer, nonce: UInt128,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let target = output.baseAddress,
            output.count >= Self.sealedCount(plaintext.count, isRandom: true)
        else { preconditionFailure("no room for a sealed field") }
        let binaryCount = Self.headerBytes + Self.nonceBytes + plaintext.count
        let binary = scratch.reserve(binaryCount)
        let vector = cipher.initialisationVector(plaintext, nonce: nonce)
        binary.storeBytes(of: 2, as: UInt8.self)
        binary.storeBytes(of: keyID.bigEndian, toByteOffset: 1, as: UInt32.self)
        binary.storeBytes(of: nonce.bigEndian, toByteOffset: 5, as: UInt128.self)
        binary.storeBytes(of: vector.bigEndian, toByteOffset: 21, as: UInt128.self)
        cipher.applyCounter(
            vector, to: plaintext, into: binary + Self.headerBytes + Self.nonceBytes)
        return base64.encode(binary, count: binaryCount, into: target)
    }

    /// Writes the plaintext and gives its length.
    ///
    /// `output` has room for `openedCountMax(text.count)` bytes. On an error nothing of the
    /// plaintext is left in it.
    /// - Parameter isRandom: the form that the field's span says; a text of the other form is
    ///   malformed.
    package mutating func open(
        _ text: UnsafeRawBufferPointer, isRandom: Bool = false,
        into output: UnsafeMutableRawBufferPointer
    ) throws(OpenError) -> Int {
        guard let source = text.baseAddress else { throw .malformed }
        let binary = scratch.reserve(Base64.decodedCountMax(text.count))
        let start = Self.headerBytes + (isRandom ? Self.nonceBytes : 0)
        guard let binaryCount = base64.decode(source, count: text.count, into: binary),
            binaryCount >= start, binary.load(as: UInt8.self) == (isRandom ? 2 : 1)
        else { throw .malformed }
        let sealedID = UInt32(
            bigEndian: binary.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        guard sealedID == keyID else { throw .wrongKey }
        let count = binaryCount - start
        precondition(output.count >= count, "no room for an opened field")
        let vectorAt = start - 16
        let given = UInt128(
            bigEndian: binary.loadUnaligned(fromByteOffset: vectorAt, as: UInt128.self))
        let sealed = UnsafeRawBufferPointer(start: binary + start, count: count)
        if let target = output.baseAddress {
            cipher.applyCounter(given, to: sealed, into: target)
        }
        let plaintext = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[0..<count])
        var actual = expectedVector(plaintext, binary, isRandom: isRandom).bigEndian
        guard SecretMemory.areEqual(&actual, binary + vectorAt, byteCount: 16) else {
            if let target = output.baseAddress {
                SecretMemory.zeroise(target, byteCount: count)
            }
            throw .altered
        }
        return count
    }

    @inline(__always)
    private func expectedVector(
        _ plaintext: UnsafeRawBufferPointer, _ binary: UnsafeRawPointer, isRandom: Bool
    ) -> UInt128 {
        guard isRandom else { return cipher.initialisationVector(plaintext) }
        let nonce = UInt128(bigEndian: binary.loadUnaligned(fromByteOffset: 5, as: UInt128.self))
        return cipher.initialisationVector(plaintext, nonce: nonce)
    }
}
