import Testing

@testable import Contracts

@Suite("the sealed form of a refused body")
struct RefusedBodyTests {
    private func written(
        _ body: [UInt8], _ format: EventDecoder.Format, ref: [UInt8]?
    ) -> [UInt8] {
        func write(_ ref: UnsafeRawBufferPointer?) -> [UInt8] {
            var bytes = [UInt8](
                repeating: 0, count: RefusedBody.byteCount(schemaRef: ref, body: body.count))
            bytes.withUnsafeMutableBytes { room in
                body.withUnsafeBytes {
                    RefusedBody.write($0, format: format, schemaRef: ref, into: room)
                }
            }
            return bytes
        }
        guard let ref else { return write(nil) }
        return ref.withUnsafeBytes { write($0) }
    }

    private func read(_ bytes: [UInt8]) -> RefusedBody? {
        bytes.withUnsafeBytes { RefusedBody($0) }
    }

    @Test("what is written is read back, with and without a schema's name")
    func roundTrips() throws {
        let formats: [EventDecoder.Format] = [.json, .avroBinary, .detect]
        for format in formats {
            for ref in [nil, [], Array("a/b/1.0.0".utf8)] as [[UInt8]?] {
                for body in [[], [0xFF, 0x00], Array("{}".utf8)] as [[UInt8]] {
                    let refused = try #require(read(written(body, format, ref: ref)))
                    #expect(refused.body == body)
                    #expect(refused.schemaRef == ref)
                    #expect(refused.format == format)
                }
            }
        }
    }

    @Test("the bytes are those that are drawn")
    func layout() {
        let bytes = written(Array("x".utf8), .avroBinary, ref: Array("ab".utf8))
        #expect(bytes == [1, 1, 0, 2, 0x61, 0x62, 0x78])
        #expect(written([7], .json, ref: nil) == [1, 0, 0xFF, 0xFF, 7])
    }

    @Test("an endless schema's name is cut, and still names none")
    func longName() throws {
        let refused = try #require(
            read(written([9], .json, ref: Array(repeating: 0x61, count: 70_000))))
        #expect(refused.schemaRef?.count == 1_024)
        #expect(refused.body == [9])
    }

    @Test("what is of another form is not read")
    func malformed() {
        for bytes in [[], [1], [1, 0, 0], [2, 0, 0, 0], [1, 3, 0, 0], [1, 0, 0, 5, 1]] as [[UInt8]]
        {
            #expect(read(bytes) == nil)
        }
    }
}
