import Testing

@testable import Export

@Suite("Expanding what was compressed")
struct ObjectExpanderTests {
    private func compressed(
        _ bytes: [UInt8], _ compression: ExporterDefinition.Compression
    ) -> [UInt8] {
        let compressor = LineCompressor(compression)
        var result: [UInt8] = []
        compressor.append(bytes, into: &result)
        compressor.finish(into: &result)
        return result
    }

    private func expanded(_ bytes: [UInt8], pieceBytes: Int) -> (bytes: [UInt8], isFine: Bool) {
        guard let expander = ObjectExpander(startingWith: bytes.prefix(4)) else {
            return ([], false)
        }
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            let piece = Array(bytes[start..<min(start + pieceBytes, bytes.count)])
            let isFine = piece.withUnsafeBytes { input in
                expander.expand(input) { result += $0 }
            }
            guard isFine else { return (result, false) }
        }
        return (result, true)
    }

    @Test(
        "several members come out whole, however they are cut",
        arguments: [ExporterDefinition.Compression.gzip, .zstd], [1, 7, 4_096, 1 << 20])
    func members(_ compression: ExporterDefinition.Compression, _ pieceBytes: Int) {
        let first = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
        let second = [UInt8](repeating: 0x41, count: pieceBytes == 1 ? 1_000 : 2_000_000)
        let file = compressed(first, compression) + compressed(second, compression)
        let result = expanded(file, pieceBytes: pieceBytes)
        #expect(result.isFine)
        #expect(result.bytes == first + second)
    }

    @Test("what only begins like it is told, and anything else is not taken")
    func others() {
        #expect(ObjectExpander(startingWith: Array("PK".utf8)) == nil)
        #expect(ObjectExpander(startingWith: [UInt8]()) == nil)
        for start: [UInt8] in [[0x1F, 0x8B, 0x08], [0x28, 0xB5, 0x2F, 0xFD]] {
            let noise = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ 0xA5) }
            #expect(!expanded(start + noise, pieceBytes: 64).isFine)
        }
    }
}
