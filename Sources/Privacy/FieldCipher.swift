/// Seals and opens single fields with AES-256-SIV, byte-compatible with Tink.
///
/// What a sealed field is, version 1, before base64 (standard alphabet, padded):
/// ```
///  0  1  0x01                 Tink's output prefix of type TINK
///  1  4  key id, big-endian   first 4 bytes of the key link
///  5 16  synthetic IV         S2V("", plaintext)
/// 21  n  ciphertext           as long as the plaintext, which may be empty
/// ```
/// Deterministic: equal values under one key give equal text, which is what lets readers join
/// sealed events of one sequence. Confined to one thread; nothing is allocated in steady state.
/// The context holds the schedule of the last key until the next one or the end of its life.
package struct FieldCipher: ~Copyable {
    package static let keyBytes = 64
    private static let headerBytes = 21

    private var cipher = SyntheticIV()
    private var keyID: UInt32 = 0
    private let base64 = Base64.shared
    /// The binary form; grows to the largest field seen.
    private var scratch = ScratchBuffer()

    package init() {}

    /// Length of the base64 text of a sealed field of `plaintextCount` bytes.
    @inline(__always)
    package static func sealedCount(_ plaintextCount: Int) -> Int {
        Base64.encodedCount(headerBytes + plaintextCount)
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

    /// Writes the sealed text and gives its length, `sealedCount(plaintext.count)`.
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

    /// Writes the plaintext and gives its length.
    ///
    /// `output` has room for `openedCountMax(text.count)` bytes. On an error nothing of the
    /// plaintext is left in it.
    package mutating func open(
        _ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(OpenError) -> Int {
        guard let source = text.baseAddress else { throw .malformed }
        let binary = scratch.reserve(Base64.decodedCountMax(text.count))
        guard let binaryCount = base64.decode(source, count: text.count, into: binary),
            binaryCount >= Self.headerBytes, binary.load(as: UInt8.self) == 1
        else { throw .malformed }
        let sealedID = UInt32(
            bigEndian: binary.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        guard sealedID == keyID else { throw .wrongKey }
        let count = binaryCount - Self.headerBytes
        precondition(output.count >= count, "no room for an opened field")
        let given = UInt128(
            bigEndian: binary.loadUnaligned(fromByteOffset: 5, as: UInt128.self))
        let sealed = UnsafeRawBufferPointer(start: binary + Self.headerBytes, count: count)
        if let target = output.baseAddress {
            cipher.applyCounter(given, to: sealed, into: target)
        }
        let plaintext = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[0..<count])
        var actual = cipher.initialisationVector(plaintext).bigEndian
        guard SecretMemory.areEqual(&actual, binary + 5, byteCount: 16) else {
            if let target = output.baseAddress {
                SecretMemory.zeroise(target, byteCount: count)
            }
            throw .altered
        }
        return count
    }
}
