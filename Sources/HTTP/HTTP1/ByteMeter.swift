import NIOCore

/// Counts the bytes of an HTTP/1.1 or WebSocket connection, and notes when a request head begins:
/// the decoder behind it speaks up only when a head is whole.
final class ByteMeter: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let connection: Connection

    init(connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        connection.loop.counters.bytesReceived.bump(count)
        let now = NIODeadline.now()
        connection.lastReadAt = now
        switch connection.phase {
        case .http1(let handler): handler.bytesArrived(now)
        // Nothing that comes after our last word is parsed.
        case .lingering, .closed: return
        default: break
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        connection.loop.counters.bytesSent.bump(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }
}
