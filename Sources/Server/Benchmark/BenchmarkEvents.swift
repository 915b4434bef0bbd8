import Contracts

/// The events that every stage works on: the clickstream event of the examples, 1,000 times, each
/// of another sequence and data subject, as JSON and as Avro binary.
///
/// All have the same length. The texts are part of the program, because it is installed alone; a
/// test compares them with the examples.
struct BenchmarkEvents {
    static let contractRef = "example/clickstream/1.0.0"
    /// A reference of the same length that names no contract.
    static let unknownRef = "example/clickstream/9.9.9"
    static let count = 1_000

    let json: BufferTable
    let avro: BufferTable
    /// JSON that names no known contract: it is parsed, and refused before anything is checked.
    let unknown: BufferTable

    var count: Int { Self.count }

    init() {
        json = BufferTable((0..<Self.count).map { Array(Self.json(Self.contractRef, $0).utf8) })
        avro = BufferTable((0..<Self.count).map { Self.avro($0) })
        unknown = BufferTable((0..<Self.count).map { Array(Self.json(Self.unknownRef, $0).utf8) })
    }

    static func contract() throws -> Contract {
        try Contract(document: try ContractDocument(json: Array(contractText.utf8)), number: 1)
    }

    /// 22 characters; the hexadecimal digits are spread like those of a random session.
    private static func session(_ number: Int) -> String {
        let spread = (UInt64(number) &+ 1) &* 0x9E37_79B9_7F4A_7C15 | 1 << 63
        return "visit-" + String(spread, radix: 16)
    }

    private static func email(_ number: Int) -> String {
        "visitor.\(1_000 + number)@example.com"
    }

    static func json(_ contractRef: String, _ number: Int) -> String {
        """
        {"strmMeta":{"eventContractRef":"\(contractRef)","consentLevels":[0,1,4]},\
        "producerSessionId":"\(session(number))",\
        "url":"https://shop.example.com/product/1042-trail-runner",\
        "eventType":"button_clicked","referrer":"https://search.example.net/?q=outdoor",\
        "userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",\
        "conversion":0,"customer":{"email":"\(email(number))","country":"NL"},\
        "abTests":["checkout-b"]}
        """
    }

    /// The same event. Four fields of `strmMeta` are null: the first branch of their union.
    static func avro(_ number: Int) -> [UInt8] {
        var writer = AvroWriter()
        writer.string(contractRef)
        for _ in 0..<4 { writer.long(0) }
        writer.array([0, 1, 4]) { $0.long($1) }
        writer.string(session(number))
        writer.string("https://shop.example.com/product/1042-trail-runner")
        writer.string("button_clicked")
        writer.string("https://search.example.net/?q=outdoor")
        writer.string("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        writer.long(0)
        writer.string(email(number))
        writer.string("NL")
        writer.array(["checkout-b"]) { $0.string($1) }
        return writer.bytes
    }

    static let contractText = """
        {"ref":{"handle":"example","name":"clickstream","version":"1.0.0"},\
        "keyField":"producerSessionId","fieldMetadata":[\
        {"fieldName":"producerSessionId","personalDataConfig":\
        {"isPii":true,"isQuasiId":false,"purposeLevel":1}},\
        {"fieldName":"customer/email","personalDataConfig":\
        {"isPii":true,"isQuasiId":false,"purposeLevel":4}}],"validations":[\
        {"field":"customer/email","type":"regex","value":"^.+@.+\\\\..+$"},\
        {"field":"url","type":"regex","value":"^https?://[^ ]+$"}],\
        "dataSubjectField":"customer/email","schema":{"ref":{"handle":"example",\
        "name":"clickstream","version":"1.0.0","schemaType":"AVRO"},"definition":\
        {"type":"record","name":"ClickstreamEvent","namespace":"com.example.clickstream",\
        "fields":[{"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[\
        {"name":"eventContractRef","type":"string"},\
        {"name":"nonce","type":["null","int"],"default":null},\
        {"name":"timestamp","type":["null","long"],"default":null},\
        {"name":"keyLink","type":["null","string"],"default":null},\
        {"name":"billingId","type":["null","string"],"default":null},\
        {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},\
        {"name":"producerSessionId","type":"string"},{"name":"url","type":"string"},\
        {"name":"eventType","type":"string"},\
        {"name":"referrer","type":"string","default":""},\
        {"name":"userAgent","type":"string","default":""},\
        {"name":"conversion","type":"int","default":0},\
        {"name":"customer","type":{"type":"record","name":"Customer","fields":[\
        {"name":"email","type":"string"},{"name":"country","type":"string","default":""}]}},\
        {"name":"abTests","type":{"type":"array","items":"string"},"default":[]}]}}}
        """
}

/// The few rules of Avro's binary form that the event needs.
private struct AvroWriter {
    private(set) var bytes: [UInt8] = []

    /// Zigzag, seven bits a byte, the low ones first.
    mutating func long(_ value: Int) {
        var rest = UInt64(bitPattern: Int64(value << 1) ^ Int64(value >> 63))
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func string(_ text: String) {
        long(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    /// One block, then the empty one that ends the list.
    mutating func array<Item>(_ items: [Item], _ write: (inout AvroWriter, Item) -> Void) {
        long(items.count)
        for item in items { write(&self, item) }
        long(0)
    }
}

/// Byte buffers that stay where they are, so that a stage reaches one without counting references.
final class BufferTable {
    private let buffers: [UnsafeRawBufferPointer]

    init(_ contents: [[UInt8]]) {
        buffers = contents.map { bytes in
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bytes.count, alignment: 16)
            buffer.copyBytes(from: bytes)
            return UnsafeRawBufferPointer(buffer)
        }
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
    }

    /// Valid as long as the table.
    subscript(index: Int) -> UnsafeRawBufferPointer { buffers[index] }
}
