import Contracts
import Foundation

@testable import Privacy

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
}

/// Reproducible bytes: a failing case is told by its seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// A data key and what seals and opens with it.
struct KeyFixture {
    var bytes: [UInt8] = (0..<64).map { UInt8(($0 * 7 + 3) & 0xFF) }
    var id: UInt32 = 0xDEAD_BEEF

    func cipher() -> FieldCipher {
        var cipher = FieldCipher()
        bytes.withUnsafeBytes { cipher.setKey($0, keyID: id) }
        return cipher
    }

    /// With a nonce in the random form.
    func seal(_ plaintext: [UInt8], nonce: UInt128? = nil) -> [UInt8] {
        var cipher = cipher()
        return CipherSelfTest.seal(plaintext, nonce: nonce, with: &cipher)
    }

    func open(_ text: [UInt8], isRandom: Bool = false) throws(OpenError) -> [UInt8] {
        var cipher = cipher()
        return try CipherSelfTest.open(text, isRandom: isRandom, with: &cipher)
    }
}

/// Builds canonical JSON and its spans from pieces, as the decoder would.
struct EventFixture {
    private(set) var json = ""
    private(set) var spans: [EventSpan] = []

    mutating func text(_ text: String) { json += text }

    mutating func personal(
        _ escaped: String, level: UInt8, field: UInt16, isRandom: Bool = false
    ) {
        spans.append(
            EventSpan(
                kind: .pii, isEscaped: escaped.contains("\\"), level: level,
                isRandom: isRandom, fieldIndex: field, start: UInt32(json.utf8.count),
                length: UInt32(escaped.utf8.count)))
        json += escaped
    }

    mutating func insertion(_ kind: EventSpan.Kind) {
        spans.append(EventSpan(kind: kind, start: UInt32(json.utf8.count)))
    }

    /// Three personal fields at levels 1, 2 and 3, and the section that the server fills.
    static func threeLevels() -> EventFixture {
        var event = EventFixture()
        event.text("{\"one\":\"")
        event.personal("first", level: 1, field: 0)
        event.text("\",\"strmMeta\":{\"nonce\":")
        event.insertion(.nonce)
        event.text(",\"timestamp\":")
        event.insertion(.timestamp)
        event.text(",\"keyLink\":")
        event.insertion(.keyLink)
        event.text(",\"billingId\":")
        event.insertion(.billingId)
        event.text("},\"two\":\"")
        event.personal("a \\\"quote\\\" and \\\\ and \\u0001", level: 2, field: 1)
        event.text("\",\"three\":[\"")
        event.personal("", level: 3, field: 2)
        event.text("\"]}")
        return event
    }

    struct Sealed {
        var json: [UInt8]
        var timestampDigitsAt: Int
        var spans: [SealedSpanValue]
    }

    func sealed(
        with key: KeyFixture = KeyFixture(), by sealer: EventSealer = EventSealer(),
        nonce: Int32 = 42, timestamp: Int64 = 1_764_000_000_123, billingId: String = "bill\"1",
        spareBytes: Int = 0
    ) -> Sealed {
        let clear = Array(json.utf8)
        let billing = Array(billingId.utf8)
        let link = Array("deadbeef-0000-4000-8000-000000000001".utf8)
        return clear.withUnsafeBytes { clear in
            spans.withUnsafeBufferPointer { spans in
                billing.withUnsafeBytes { billing in
                    let capacity = sealer.capacityNeeded(
                        json: clear, spans: spans, billingId: billing)
                    var output = [UInt8](repeating: 0xEE, count: capacity + spareBytes)
                    return output.withUnsafeMutableBytes { output in
                        key.bytes.withUnsafeBytes { key64 in
                            link.withUnsafeBytes { link in
                                let event = sealer.seal(
                                    json: clear, spans: spans, key: key64, keyID: key.id,
                                    nonce: nonce, timestamp: timestamp, keyLink: link,
                                    billingId: billing, into: output)
                                return Sealed(
                                    json: Array(output[..<event.jsonCount]),
                                    timestampDigitsAt: event.timestampDigitsAt,
                                    spans: Array(event.spans))
                            }
                        }
                    }
                }
            }
        }
    }
}

extension EventFixture.Sealed {
    func opened(
        _ levels: [Int], with key: KeyFixture = KeyFixture(),
        into output: inout ByteBuilder, by opener: EventOpener = EventOpener()
    ) throws(OpenError) -> Int {
        let levels = ConsentLevels(levels) ?? ConsentLevels(bits: 0)
        var result: Result<Int, OpenError> = .failure(.malformed)
        json.withUnsafeBytes { json in
            spans.withUnsafeBufferPointer { spans in
                key.bytes.withUnsafeBytes { bytes in
                    do throws(OpenError) {
                        result = .success(
                            try opener.open(
                                json: json, spans: spans, levels: levels, key: bytes,
                                keyID: key.id, into: &output))
                    } catch {
                        result = .failure(error)
                    }
                }
            }
        }
        return try result.get()
    }

    func text(of span: Int) -> [UInt8] {
        let start = Int(spans[span].start)
        return Array(json[start..<start + Int(spans[span].length)])
    }
}

enum Repository {
    /// The package root, found from this file, which may be reached through a link.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static var python: URL {
        if let path = ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"] {
            return URL(fileURLWithPath: path)
        }
        return root.appendingPathComponent(".venv/bin/python")
    }
}
