/// A complete request as pointers into buffers that the connection reuses.
///
/// Everything in here is valid until `HTTPHandler.handle` returns, and not one instruction
/// longer. Absent headers are nil; a header that came twice gives its first value.
package struct HTTPRequestView {
    package let method: HTTPMethod
    /// Origin form with the query, never empty: "/event?x=1", or "*" for `OPTIONS *`.
    package let path: UnsafeRawBufferPointer
    package let authorization: UnsafeRawBufferPointer?
    package let contentType: UnsafeRawBufferPointer?
    package let accept: UnsafeRawBufferPointer?
    /// `strm-schema-ref`, `strm-schema-id` and `strm-serialization-type`.
    package let schemaRef: UnsafeRawBufferPointer?
    package let schemaId: UnsafeRawBufferPointer?
    package let serializationType: UnsafeRawBufferPointer?
    /// Whole body, at most `HTTPConfiguration.bodyBytesMax` bytes.
    package let body: UnsafeRawBufferPointer
    package let isHTTP2: Bool
    package let isTLS: Bool

    let fields: UnsafeRawBufferPointer
    let connection: Unmanaged<Connection>

    /// The request with storage of its own. Allocates for every header.
    package func copied() -> HTTPRequest {
        let target = path.split(separator: UInt8(ascii: "?"), maxSplits: 1)
        var headers: [(name: String, value: String)] = []
        RequestBuffer.forEachField(in: fields) { name, value in
            headers.append(
                (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return HTTPRequest(
            method: method.rawValue,
            path: target.first.map { String(decoding: $0, as: UTF8.self) } ?? "",
            query: target.count > 1 ? String(decoding: target[1], as: UTF8.self) : "",
            headers: headers, body: Array(body), remoteAddress: remoteAddress,
            isHTTP2: isHTTP2, isTLS: isTLS)
    }

    /// Overwrites the body where it lies, for one that holds a secret: the memory is used again for
    /// other requests. What the socket and TLS layers below have held is theirs.
    package func wipeBody() {
        UnsafeMutableRawBufferPointer(mutating: body).initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Address of the peer without its port.
    package var remoteAddress: String {
        // The connection outlives the call of the handler: its loop holds it.
        connection._withUnsafeGuaranteedRef { $0.remoteAddress }
    }
}
