import CNGHTTP2

/// Builds the header arrays that nghttp2 takes, in buffers that are reused. Confined to one event
/// loop. nghttp2 copies every name and value when a response is submitted, so the pointers need to
/// live only for the call.
final class ResponseHeaderWriter {
    /// ":status", "date", "content-length", "0", then the current date, then "100"…"599".
    private let text: UnsafeMutablePointer<UInt8>
    private let bare: UnsafeMutablePointer<nghttp2_nv>
    private var scratch = ByteStore(capacity: 1024)
    private var counts: [(name: Int, value: Int)] = []
    private var fields: UnsafeMutableBufferPointer<nghttp2_nv>
    private var dateSeconds = -1
    private(set) var date = ""
    /// Set once, before the first response.
    var sendsDate = true

    private static let dateAt = 32
    private static let digitsAt = 64

    init() {
        text = .allocate(capacity: Self.digitsAt + 500 * 3)
        bare = .allocate(capacity: 3)
        fields = .allocate(capacity: 32)
        text.initialize(repeating: 0x20, count: Self.digitsAt + 500 * 3)
        for (index, byte) in ":statusdatecontent-length0".utf8.enumerated() { text[index] = byte }
        for status in 100..<600 {
            let digits = Self.digitsAt + (status - 100) * 3
            text[digits] = UInt8(0x30 + status / 100)
            text[digits + 1] = UInt8(0x30 + status / 10 % 10)
            text[digits + 2] = UInt8(0x30 + status % 10)
        }
        bare.initialize(repeating: nghttp2_nv(), count: 3)
        fields.initialize(repeating: nghttp2_nv())
        bare[0] = field(name: text, 7, value: digits(of: 204), 3)
        bare[1] = field(name: text + 7, 4, value: text + Self.dateAt, HTTPDate.count)
        bare[2] = field(name: text + 11, 14, value: text + 25, 1)
    }

    deinit {
        text.deallocate()
        bare.deallocate()
        fields.deallocate()
        scratch.deallocate()
    }

    /// Called about twice a second, so that no request asks for the time.
    func refreshDate() {
        let seconds = HTTPDate.currentSeconds()
        guard seconds != dateSeconds else { return }
        dateSeconds = seconds
        date = HTTPDate.text(seconds)
        for (index, byte) in date.utf8.prefix(HTTPDate.count).enumerated() {
            text[Self.dateAt + index] = byte
        }
    }

    /// For an answer without a body.
    func withBareFields(status: Int, _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void) {
        let status = HTTPResponse.sane(status)
        bare[0].value = digits(of: status)
        let hasLength = status != 204 && status != 304
        if sendsDate {
            body(UnsafeBufferPointer(start: bare, count: hasLength ? 3 : 2))
        } else if hasLength {
            let two = [bare[0], bare[2]]
            two.withUnsafeBufferPointer(body)
        } else {
            body(UnsafeBufferPointer(start: bare, count: 1))
        }
    }

    /// ":status: 100".
    func withContinueField(_ body: (UnsafePointer<nghttp2_nv>) -> Void) {
        bare[0].value = digits(of: 100)
        body(bare)
    }

    /// Status, date, content-length, then the response's own fields in lower case.
    func withFields(
        of response: HTTPResponse, _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void
    ) {
        let response = response.checked()
        scratch.removeAll()
        counts.removeAll(keepingCapacity: true)
        for (name, value) in response.headers where !HTTPResponse.isOurs(name) {
            counts.append((name.utf8.count, value.utf8.count))
            for byte in name.utf8 { append(byte.asciiLowercased) }
            for byte in value.utf8 { append(byte) }
        }
        let lengthAt = scratch.count
        for byte in String(response.body.count).utf8 { append(byte) }
        let lengthCount = scratch.count - lengthAt

        reserve(counts.count + 3)
        let own = scratch.base.assumingMemoryBound(to: UInt8.self)
        fields[0] = field(name: text, 7, value: digits(of: response.status), 3)
        var used = 1
        if sendsDate {
            fields[used] = bare[1]
            used += 1
        }
        if response.mayHaveBody {
            fields[used] = field(name: text + 11, 14, value: own + lengthAt, lengthCount)
            used += 1
        }
        var at = own
        for (nameCount, valueCount) in counts {
            fields[used] = field(name: at, nameCount, value: at + nameCount, valueCount)
            at += nameCount + valueCount
            used += 1
        }
        body(UnsafeBufferPointer(rebasing: fields[..<used]))
    }

    private func append(_ byte: UInt8) {
        withUnsafeBytes(of: byte) { bytes in
            if let start = bytes.baseAddress { scratch.append(start, count: 1) }
        }
    }

    private func reserve(_ count: Int) {
        guard fields.count < count else { return }
        fields.deallocate()
        fields = .allocate(capacity: count * 2)
        fields.initialize(repeating: nghttp2_nv())
    }

    private func digits(of status: Int) -> UnsafeMutablePointer<UInt8> {
        text + Self.digitsAt + (status - 100) * 3
    }

    private func field(
        name: UnsafeMutablePointer<UInt8>, _ nameCount: Int, value: UnsafeMutablePointer<UInt8>,
        _ valueCount: Int
    ) -> nghttp2_nv {
        nghttp2_nv(
            name: name, value: value, namelen: nameCount, valuelen: valueCount,
            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    }
}
