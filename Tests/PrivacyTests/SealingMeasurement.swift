import Foundation
import Testing

@testable import Privacy

/// Figures, not a test: `STRM_MEASURE=1 swift test -c release --filter SealingMeasurement`.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] != nil))
struct SealingMeasurement {
    private func measure(_ name: String, _ rounds: Int, _ body: () -> Void) {
        var best = Duration.seconds(1_000)
        for _ in 0..<5 {
            let time = ContinuousClock().measure { for _ in 0..<rounds { body() } }
            best = min(best, time)
        }
        let nanoseconds =
            Double(best.components.attoseconds) / 1e9 + Double(best.components.seconds) * 1e9
        print("\(name): \((nanoseconds / Double(rounds) * 10).rounded() / 10) ns")
    }

    @Test("ns per field of 32 bytes")
    func perField() {
        let key = KeyFixture()
        let plaintext = [UInt8](repeating: 97, count: 32)
        var output = [UInt8](repeating: 0, count: 200)
        var cipher = FieldCipher()
        key.bytes.withUnsafeBytes { key64 in
            plaintext.withUnsafeBytes { plaintext in
                output.withUnsafeMutableBytes { output in
                    measure("set a key and seal one field of 32 bytes", 200_000) {
                        cipher.setKey(key64, keyID: 1)
                        _ = cipher.seal(plaintext, into: output)
                    }
                    measure("seal a field of 32 bytes, key already set", 200_000) {
                        _ = cipher.seal(plaintext, into: output)
                    }
                    measure("set a key and seal two fields of 32 bytes", 200_000) {
                        cipher.setKey(key64, keyID: 1)
                        _ = cipher.seal(plaintext, into: output)
                        _ = cipher.seal(plaintext, into: output)
                    }
                    let text = UnsafeRawBufferPointer(
                        rebasing: UnsafeRawBufferPointer(output)[0..<72])
                    var clear = [UInt8](repeating: 0, count: 200)
                    clear.withUnsafeMutableBytes { clear in
                        measure("open a field of 32 bytes, key already set", 200_000) {
                            _ = try? cipher.open(text, into: clear)
                        }
                    }
                }
            }
        }
    }
}
