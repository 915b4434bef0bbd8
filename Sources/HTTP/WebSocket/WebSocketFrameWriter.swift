import NIOCore
import NIOWebSocket

/// Server frames: final, unmasked.
///
///     | FIN=1, opcode (1) | length (1, or 126 + 2, or 127 + 8 big-endian) | payload |
enum WebSocketFrameWriter {
    static func append(
        _ payload: ArraySlice<UInt8>, opcode: WebSocketOpcode, to buffer: inout ByteBuffer
    ) {
        appendHeader(count: payload.count, opcode: opcode, to: &buffer)
        buffer.writeBytes(payload)
    }

    static func close(code: WebSocketCloseCode, reason: String) -> ByteBuffer {
        // A control frame holds at most 125 bytes: two of code, the rest reason, cut between
        // characters.
        var text = reason
        while text.utf8.count > 123 { text.removeLast() }
        var buffer = ByteBuffer()
        appendHeader(count: 2 + text.utf8.count, opcode: .connectionClose, to: &buffer)
        buffer.writeInteger(code.rawValue)
        buffer.writeString(text)
        return buffer
    }

    private static func appendHeader(
        count: Int, opcode: WebSocketOpcode, to buffer: inout ByteBuffer
    ) {
        buffer.writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
        if count < 126 {
            buffer.writeInteger(UInt8(count))
        } else if count <= Int(UInt16.max) {
            buffer.writeInteger(UInt8(126))
            buffer.writeInteger(UInt16(count))
        } else {
            buffer.writeInteger(UInt8(127))
            buffer.writeInteger(UInt64(count))
        }
    }
}
