import COpenSSL
import Store
import Testing

@testable import Vault

@Suite("Tags are SipHash-2-4 with 128 bits, under a key of the process")
struct SequenceTagTests {
    private let stream = StreamID(rawValue: 7)

    private func bytes(_ tag: SequenceTag) -> [UInt8] {
        withUnsafeBytes(of: (tag.first.littleEndian, tag.second.littleEndian)) { Array($0) }
    }

    @Test("the first vectors of the reference implementation")
    func vectors() {
        let tagger = SequenceTagger(
            firstKey: 0x0706_0504_0302_0100, secondKey: 0x0F0E_0D0C_0B0A_0908)
        let expected: [[UInt8]] = [
            [
                0xA3, 0x81, 0x7F, 0x04, 0xBA, 0x25, 0xA8, 0xE6, 0x6D, 0xF6, 0x72, 0x14, 0xC7, 0x55,
                0x02, 0x93,
            ],
            [
                0xDA, 0x87, 0xC1, 0xD8, 0x6B, 0x99, 0xAF, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9B, 0x22,
                0xFC, 0x45,
            ],
        ]
        for (count, vector) in expected.enumerated() {
            let message = (0..<count).map { UInt8($0) }
            #expect(message.withUnsafeBytes { bytes(tagger.hash($0)) } == vector)
        }
    }

    @Test("OpenSSL's SipHash gives the same for all lengths")
    func differential() {
        for count in 0..<200 {
            let key = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
            let message = (0..<count).map { _ in UInt8.random(in: .min ... .max) }
            let tagger = key.withUnsafeBytes {
                SequenceTagger(
                    firstKey: UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)),
                    secondKey: UInt64(
                        littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            }
            #expect(
                message.withUnsafeBytes { bytes(tagger.hash($0)) } == sipHash(message, key: key))
        }
    }

    @Test("a tag is that of the stream's number, the purpose and the value, one after the other")
    func composition() {
        let tagger = SequenceTagger()
        let value = Array("visit-1".utf8)
        let whole = withUnsafeBytes(of: (UInt64(7) | 2 << 32).littleEndian) { Array($0) } + value
        let tag = value.withUnsafeBytes { tagger.tag($0, stream: stream, purpose: .subject) }
        #expect(tag == whole.withUnsafeBytes { tagger.hash($0) })
    }

    @Test("values, streams, purposes and processes are told apart")
    func apart() {
        let tagger = SequenceTagger()
        func tag(
            _ text: String, _ stream: UInt32 = 1, _ purpose: SequenceTagger.Purpose = .sequence,
            by tagger: SequenceTagger
        ) -> SequenceTag {
            Array(text.utf8).withUnsafeBytes {
                tagger.tag($0, stream: StreamID(rawValue: stream), purpose: purpose)
            }
        }
        let tags = [
            tag("a", by: tagger), tag("b", by: tagger), tag("a", 2, by: tagger),
            tag("a", 1, .subject, by: tagger), tag("a\0", by: tagger), tag("", by: tagger),
            tag("a", by: SequenceTagger()),
        ]
        for (index, one) in tags.enumerated() {
            #expect(one != .none)
            #expect(one.short != 0)
            #expect(!tags[(index + 1)...].contains(one))
        }
        #expect(tag("a", by: tagger) == tags[0])
    }

    private func sipHash(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let algorithm = EVP_MAC_fetch(nil, "SIPHASH", nil)
        let context = EVP_MAC_CTX_new(algorithm)
        defer {
            EVP_MAC_CTX_free(context)
            EVP_MAC_free(algorithm)
        }
        var output = [UInt8](repeating: 0, count: 16)
        var count = 0
        #expect(EVP_MAC_init(context, key, key.count, nil) == 1)
        #expect(EVP_MAC_update(context, message, message.count) == 1)
        #expect(EVP_MAC_final(context, &output, &count, output.count) == 1)
        return Array(output[..<count])
    }
}
