import Foundation
import Testing

@testable import Privacy

@Suite struct Base64Tests {
    private func encode(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Base64.encodedCount(bytes.count) + 1)
        let count = (bytes + [0]).withUnsafeBytes { input in
            output.withUnsafeMutableBytes {
                Base64.shared.encode(
                    input.baseAddress!, count: bytes.count, into: $0.baseAddress!)
            }
        }
        return Array(output[..<count])
    }

    private func decode(_ text: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: Base64.decodedCountMax(text.count) + 1)
        let count = (text + [0]).withUnsafeBytes { input in
            output.withUnsafeMutableBytes {
                Base64.shared.decode(
                    input.baseAddress!, count: text.count, into: $0.baseAddress!)
            }
        }
        return count.map { Array(output[..<$0]) }
    }

    @Test("it is the standard alphabet with padding, for every length")
    func agreesWithFoundation() {
        var generator = SeededGenerator(7)
        for count in 0..<200 {
            let bytes = generator.bytes(count)
            let expected = Array(Data(bytes).base64EncodedString().utf8)
            #expect(encode(bytes) == expected)
            #expect(decode(expected) == bytes)
        }
    }

    @Test("one text for each value: unused bits, wrong padding and foreign bytes are refused")
    func canonical() {
        // "QQ==" is A; the others differ in bits that a lenient decoder drops.
        #expect(decode(Array("QQ==".utf8)) == [65])
        for text in [
            "QR==", "QUE", "QUF=", "QQ=A", "Q===", "=QQQ",
            "QQ=\u{7F}", "QUE ", "QU\u{E9}x",
        ] {
            #expect(decode(Array(text.utf8)) == nil, "\(text)")
        }
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
        for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
            #expect(decode([65, 65, byte, 65, 65, 65, 65, 65]) == nil, "byte \(byte)")
        }
    }
}
