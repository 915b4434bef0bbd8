/// Growable bytes that keep their storage between requests.
struct ByteStore {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private(set) var capacity: Int

    init(capacity: Int) {
        base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func append(_ source: UnsafeRawPointer, count added: Int) {
        guard added > 0 else { return }
        if count + added > capacity { grow(to: count + added) }
        (base + count).copyMemory(from: source, byteCount: added)
        count += added
    }

    /// Appends one field as `RequestBuffer` lays it out; returns where its value starts.
    mutating func appendField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Int {
        let size = 8 + name.count + value.count
        if count + size > capacity { grow(to: count + size) }
        let place = base + count
        place.storeBytes(of: UInt32(name.count), as: UInt32.self)
        (place + 4).storeBytes(of: UInt32(value.count), as: UInt32.self)
        if let start = name.baseAddress {
            (place + 8).copyMemory(from: start, byteCount: name.count)
        }
        if let start = value.baseAddress {
            (place + 8 + name.count).copyMemory(from: start, byteCount: value.count)
        }
        count += size
        return count - value.count
    }

    mutating func removeAll() { count = 0 }

    /// Storage beyond `capacityMax` is given back, so that one big request does not keep it.
    mutating func removeAll(keepingAtMost capacityMax: Int) {
        count = 0
        guard capacity > capacityMax else { return }
        base.deallocate()
        base = UnsafeMutableRawPointer.allocate(byteCount: capacityMax, alignment: 16)
        capacity = capacityMax
    }

    private mutating func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let storage = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        storage.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = storage
        capacity = larger
    }

    func deallocate() { base.deallocate() }
}

/// Header fields and body of one request while it comes in. Confined to one event loop, which
/// lends it from a pool and takes it back when the handler has returned.
///
/// `@exclusivity(unchecked)`, here and in `HTTP2Handler`: the run-time checks of overlapping
/// access were a fifth of a request's whole time. No access can overlap: every property is read or
/// written whole, or by one mutating call that calls nothing back.
///
/// Fields, one after the other: name length (4, native), value length (4), name, value.
final class RequestBuffer {
    @exclusivity(unchecked) private(set) var fields = ByteStore(capacity: 1024)
    @exclusivity(unchecked) private(set) var body = ByteStore(capacity: 1024)
    @exclusivity(unchecked) private(set) var fieldCount = 0
    /// Name + value + 32 of every field, as HTTP/2 counts a header list.
    @exclusivity(unchecked) private(set) var fieldListBytes = 0

    @exclusivity(unchecked) private(set) var method = Piece()
    @exclusivity(unchecked) private(set) var path = Piece()
    @exclusivity(unchecked) private(set) var authorization = Piece()
    @exclusivity(unchecked) private(set) var contentType = Piece()
    @exclusivity(unchecked) private(set) var contentLength = Piece()
    @exclusivity(unchecked) private(set) var accept = Piece()
    @exclusivity(unchecked) private(set) var expect = Piece()
    @exclusivity(unchecked) private(set) var schemaRef = Piece()
    @exclusivity(unchecked) private(set) var schemaId = Piece()
    @exclusivity(unchecked) private(set) var serializationType = Piece()

    /// A place in `fields`. An offset, since the storage moves when it grows.
    struct Piece {
        var start: UInt32 = .max
        var count: UInt32 = 0
        var isPresent: Bool { start != .max }
    }

    deinit {
        fields.deallocate()
        body.deallocate()
    }

    func reset() {
        fields.removeAll(keepingAtMost: 16 << 10)
        body.removeAll(keepingAtMost: 64 << 10)
        fieldCount = 0
        fieldListBytes = 0
        method = Piece()
        path = Piece()
        authorization = Piece()
        contentType = Piece()
        contentLength = Piece()
        accept = Piece()
        expect = Piece()
        schemaRef = Piece()
        schemaId = Piece()
        serializationType = Piece()
    }

    func bytes(of piece: Piece) -> UnsafeRawBufferPointer {
        guard piece.isPresent else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(
            start: fields.base + Int(piece.start), count: Int(piece.count))
    }

    func bytesIfPresent(_ piece: Piece) -> UnsafeRawBufferPointer? {
        piece.isPresent ? bytes(of: piece) : nil
    }

    /// Keeps one field. `name` must be lower case, as HTTP/2 demands; pseudo-headers as they are.
    func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        fieldCount += 1
        fieldListBytes += name.count + value.count + 32
        let piece = store(name: name, value: value)
        // The length tells most names apart; only a candidate is compared.
        switch name.count {
        case 5 where name.matches(":path"): Self.setOnce(&path, piece)
        case 6 where name.matches("accept"): Self.setOnce(&accept, piece)
        case 6 where name.matches("expect"): Self.setOnce(&expect, piece)
        case 7 where name.matches(":method"): Self.setOnce(&method, piece)
        case 12 where name.matches("content-type"): Self.setOnce(&contentType, piece)
        case 13 where name.matches("authorization"): Self.setOnce(&authorization, piece)
        case 14 where name.matches("content-length"): Self.setOnce(&contentLength, piece)
        case 14 where name.matches("strm-schema-id"): Self.setOnce(&schemaId, piece)
        case 15 where name.matches("strm-schema-ref"): Self.setOnce(&schemaRef, piece)
        case 23 where name.matches("strm-serialization-type"):
            Self.setOnce(&serializationType, piece)
        default: break
        }
    }

    func appendBody(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress else { return }
        body.append(start, count: source.count)
    }

    /// Visits the fields that are no pseudo-headers, in order; `:authority` becomes `host`.
    static func forEachField(
        in fields: UnsafeRawBufferPointer,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        var rest = fields
        while rest.count >= 8 {
            let nameCount = Int(rest.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let valueCount = Int(rest.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            let name = UnsafeRawBufferPointer(rebasing: rest[8..<8 + nameCount])
            let end = 8 + nameCount + valueCount
            let value = UnsafeRawBufferPointer(rebasing: rest[8 + nameCount..<end])
            if name.matches(":authority") {
                "host".utf8.withContiguousStorageIfAvailable { host in
                    visit(UnsafeRawBufferPointer(host), value)
                }
            } else if name.first != UInt8(ascii: ":") {
                visit(name, value)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
    }

    private func store(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Piece {
        let start = fields.appendField(name: name, value: value)
        return Piece(start: UInt32(start), count: UInt32(value.count))
    }

    @inline(__always)
    private static func setOnce(_ field: inout Piece, _ piece: Piece) {
        if !field.isPresent { field = piece }
    }
}

extension RequestBuffer {
    /// The finished request as the handler sees it. Valid until this buffer is reset or grows.
    func view(
        method: HTTPMethod, path: UnsafeRawBufferPointer, connection: Connection, isHTTP2: Bool
    ) -> HTTPRequestView {
        HTTPRequestView(
            method: method, path: path,
            authorization: bytesIfPresent(authorization),
            contentType: bytesIfPresent(contentType), accept: bytesIfPresent(accept),
            schemaRef: bytesIfPresent(schemaRef), schemaId: bytesIfPresent(schemaId),
            serializationType: bytesIfPresent(serializationType), body: body.bytes,
            isHTTP2: isHTTP2, isTLS: connection.isTLS, fields: fields.bytes,
            connection: Unmanaged.passUnretained(connection))
    }
}
