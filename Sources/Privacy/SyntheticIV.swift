/// AES-SIV (RFC 5297): S2V gives the synthetic IV, CTR under it gives the ciphertext.
///
/// Assembled over two AES-ECB contexts because OpenSSL 3.0's own SIV costs three to ten times as
/// much, refuses empty plaintexts and is wrong at its "speed" setting. Held to RFC 5297, Tink and
/// OpenSSL by ``CipherSelfTest`` and the tests. Blocks are big-endian numbers of 128 bits, so the
/// shifts of the RFC are shifts. Confined to one thread.
struct SyntheticIV: ~Copyable {
    private static let blockBytes = 16
    /// Blocks of key stream made by one call.
    private static let batchBlocks = 8

    private let macCipher: BlockCipher
    private let counterCipher: BlockCipher
    private let keyBytes: Int
    /// Owned, `batchBlocks` blocks; held key stream and plaintext, so it is wiped in deinit.
    private let blocks: UnsafeMutableRawPointer
    /// CMAC subkeys, for a last block that is full, and for one that was padded.
    private var fullSubkey: UInt128 = 0
    private var paddedSubkey: UInt128 = 0
    /// S2V after all components but the plaintext.
    private var state: UInt128 = 0
    /// S2V before the first component, doubled: where a nonce as the one component comes in.
    private var start: UInt128 = 0

    init(_ size: BlockCipher.KeySize = .aes256) {
        macCipher = BlockCipher(size)
        counterCipher = BlockCipher(size)
        keyBytes = size == .aes256 ? 32 : 16
        blocks = .allocate(
            byteCount: Self.blockBytes * Self.batchBlocks, alignment: Self.blockBytes)
        blocks.initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.blockBytes * Self.batchBlocks)
    }

    deinit {
        SecretMemory.zeroise(blocks, byteCount: Self.blockBytes * Self.batchBlocks)
        blocks.deallocate()
    }

    /// Takes a key (first half S2V, second half CTR) with one empty associated-data component,
    /// as Tink feeds it: S2V("", P) is not S2V(P). About 200 ns.
    mutating func setKeyWithEmptyComponent(_ key: UnsafeRawPointer) {
        scheduleKeys(key)
        // CMAC(zero) and CMAC("") are one block each: both in one call.
        blocks.storeBytes(of: fullSubkey.bigEndian, as: UInt128.self)
        blocks.storeBytes(
            of: (Self.padding(after: 0) ^ paddedSubkey).bigEndian, toByteOffset: 16,
            as: UInt128.self)
        macCipher.encrypt(blocks, into: blocks, byteCount: 32)
        let zero = UInt128(bigEndian: blocks.load(as: UInt128.self))
        let empty = UInt128(bigEndian: blocks.load(fromByteOffset: 16, as: UInt128.self))
        start = Self.doubled(zero)
        state = start ^ empty
    }

    /// Takes a key with any components: the general form, for the vectors of RFC 5297.
    mutating func setKey(_ key: UnsafeRawPointer, components: [[UInt8]]) {
        scheduleKeys(key)
        state = encrypted(fullSubkey)
        for component in components {
            let code = component.withUnsafeBytes { mac($0, xoringEnd: 0) }
            state = Self.doubled(state) ^ code
        }
    }

    private mutating func scheduleKeys(_ key: UnsafeRawPointer) {
        macCipher.setKey(key)
        counterCipher.setKey(key + keyBytes)
        fullSubkey = Self.doubled(encrypted(0))
        paddedSubkey = Self.doubled(fullSubkey)
    }

    /// S2V of the components and `plaintext`.
    @inline(__always)
    func initialisationVector(_ plaintext: UnsafeRawBufferPointer) -> UInt128 {
        initialisationVector(plaintext, after: state)
    }

    /// S2V of `nonce` and `plaintext` under a key that was set with the empty component: the nonce
    /// of 16 bytes stands in its place (RFC 5297 §3, with the nonce as the only component).
    func initialisationVector(
        _ plaintext: UnsafeRawBufferPointer, nonce: UInt128
    ) -> UInt128 {
        initialisationVector(plaintext, after: start ^ encrypted(nonce ^ fullSubkey))
    }

    @inline(__always)
    private func initialisationVector(
        _ plaintext: UnsafeRawBufferPointer, after state: UInt128
    ) -> UInt128 {
        if plaintext.count >= Self.blockBytes {
            return mac(plaintext, xoringEnd: state)
        }
        let block = Self.doubled(state) ^ partialBlock(plaintext, from: 0)
        return encrypted(block ^ fullSubkey)
    }

    /// Encrypts or decrypts: CTR from `vector` with bits 31 and 63 cleared.
    func applyCounter(
        _ vector: UInt128, to input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) {
        guard var source = input.baseAddress else { return }
        var counter = vector & ~(UInt128(1) << 31 | UInt128(1) << 63)
        var target = output
        var left = input.count
        while left > 0 {
            let count = min(left, Self.blockBytes * Self.batchBlocks)
            let blockCount = (count + Self.blockBytes - 1) / Self.blockBytes
            for index in 0..<blockCount {
                blocks.storeBytes(
                    of: counter.bigEndian, toByteOffset: index * Self.blockBytes, as: UInt128.self)
                counter &+= 1
            }
            counterCipher.encrypt(blocks, into: blocks, byteCount: blockCount * Self.blockBytes)
            xorKeyStream(source, into: target, count: count)
            source += count
            target += count
            left -= count
        }
    }

    @inline(__always)
    private func xorKeyStream(
        _ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int
    ) {
        var place = 0
        while place + 8 <= count {
            let word =
                source.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                ^ blocks.load(fromByteOffset: place, as: UInt64.self)
            target.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
            place += 8
        }
        while place < count {
            let byte =
                source.load(fromByteOffset: place, as: UInt8.self)
                ^ blocks.load(fromByteOffset: place, as: UInt8.self)
            target.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
            place += 1
        }
    }

    /// CMAC of `message` with `end` xored into its last 16 bytes (0 if it is shorter).
    private func mac(_ message: UnsafeRawBufferPointer, xoringEnd end: UInt128) -> UInt128 {
        let tailBytes = message.count % Self.blockBytes
        let fullBlocks = message.count / Self.blockBytes
        var chain: UInt128 = 0
        guard let start = message.baseAddress, fullBlocks > 0 else {
            return encrypted(partialBlock(message, from: 0) ^ paddedSubkey)
        }
        for index in 0..<(fullBlocks - 1) {
            chain = encrypted(chain ^ Self.block(start, index))
        }
        let lastFull = chain ^ Self.block(start, fullBlocks - 1)
        if tailBytes == 0 {
            return encrypted(lastFull ^ end ^ fullSubkey)
        }
        // The 16 bytes that `end` covers reach over the boundary of the last two blocks.
        let tailBits = tailBytes * 8
        chain = encrypted(lastFull ^ (end >> tailBits))
        let tail = partialBlock(message, from: fullBlocks * Self.blockBytes)
        return encrypted(chain ^ tail ^ (end << (128 - tailBits)) ^ paddedSubkey)
    }

    @inline(__always)
    private static func block(_ start: UnsafeRawPointer, _ index: Int) -> UInt128 {
        UInt128(
            bigEndian: start.loadUnaligned(fromByteOffset: index * blockBytes, as: UInt128.self))
    }

    /// The bytes from `place` to the end (fewer than 16), left-aligned, with the padding bit.
    @inline(__always)
    private func partialBlock(_ message: UnsafeRawBufferPointer, from place: Int) -> UInt128 {
        let count = message.count - place
        var block: UInt128 = 0
        for index in 0..<count {
            block = block << 8 | UInt128(message[place + index])
        }
        if count > 0 { block <<= 128 - count * 8 }
        return block | Self.padding(after: count)
    }

    @inline(__always)
    private static func padding(after count: Int) -> UInt128 {
        UInt128(0x80) << (120 - count * 8)
    }

    @inline(__always)
    private func encrypted(_ block: UInt128) -> UInt128 {
        blocks.storeBytes(of: block.bigEndian, as: UInt128.self)
        macCipher.encrypt(blocks, into: blocks, byteCount: Self.blockBytes)
        return UInt128(bigEndian: blocks.load(as: UInt128.self))
    }

    /// Multiplies by x in GF(2^128), without a branch on the secret bit.
    @inline(__always)
    private static func doubled(_ block: UInt128) -> UInt128 {
        block << 1 ^ ((block >> 127) &* 0x87)
    }
}
