import NIOCore
import NIOHTTP1
import NIOTLS

/// Decides what a connection speaks, and makes the rest of its pipeline: by ALPN under TLS, by
/// the first bytes otherwise. HTTP/2 with prior knowledge opens with 24 fixed bytes, which no
/// HTTP/1.1 request starts with.
final class ProtocolSniffer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    private let connection: Connection
    private var seen: ByteBuffer?
    private var isDecided = false

    init(connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isDecided {
            context.fireChannelRead(wrapInboundOut(bytes))
            return
        }
        connection.lastReadAt = .now()
        if seen == nil {
            seen = bytes
        } else {
            seen?.writeImmutableBuffer(bytes)
        }
        guard let start = seen else { return }
        switch Self.compare(start.readableBytesView) {
        case .matches: decide(isHTTP2: true, context: context)
        case .differs: decide(isHTTP2: false, context: context)
        case .tooShort: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            switch negotiated {
            case "h2"?: decide(isHTTP2: true, context: context)
            case "http/1.1"?: decide(isHTTP2: false, context: context)
            default: connection.enter(.sniffing)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A failed handshake, or a socket error before anything was said.
        connection.loop.counters.protocolErrors.bump()
        context.close(promise: nil)
    }

    private enum Comparison { case matches, differs, tooShort }

    private static func compare(_ bytes: ByteBufferView) -> Comparison {
        var index = 0
        for byte in bytes {
            if byte != preface.utf8Start[index] { return .differs }
            index += 1
            if index == preface.utf8CodeUnitCount { return .matches }
        }
        return .tooShort
    }

    private func decide(isHTTP2: Bool, context: ChannelHandlerContext) {
        guard !isDecided else { return }
        isDecided = true
        do {
            let pipeline = context.pipeline.syncOperations
            if isHTTP2 {
                let handler = HTTP2Handler(connection: connection)
                connection.enter(.http2(handler))
                try pipeline.addHandler(handler)
            } else {
                let handler = HTTP1Handler(connection: connection)
                connection.enter(.http1(handler))
                try pipeline.addHandlers(handler.makePipeline())
            }
        } catch {
            // Only a pipeline that is being torn down refuses a handler.
            context.close(promise: nil)
            return
        }
        if let start = seen {
            seen = nil
            context.fireChannelRead(wrapInboundOut(start))
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
