import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL

/// One HTTP/2 connection to a server: with prior knowledge over TCP, by ALPN over TLS.
///
/// Requests run beside each other, up to ``streamsMax`` of them; a caller that wants fewer waits
/// by itself. The connection is not opened again when it breaks: every waiting request throws.
struct HTTP2Connection: Sendable {
    /// The server's default limit is 128 streams a connection; below it no request is refused.
    static let streamsMax = 100

    let server: ServerURL
    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    static func open(
        _ server: ServerURL, trusting roots: NIOSSLTrustRoots
    ) async throws(CommandFailure) -> HTTP2Connection {
        do {
            let (channel, multiplexer) = try await connect(server, roots)
            return HTTP2Connection(server: server, channel: channel, multiplexer: multiplexer)
        } catch {
            throw ServerClient.failure(error, server)
        }
    }

    private static func connect(
        _ server: ServerURL, _ roots: NIOSSLTrustRoots
    ) async throws -> (any Channel, NIOHTTP2Handler.StreamMultiplexer) {
        let context = try server.isSecure ? tlsContext(roots) : nil
        let host = server.host
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(
                                context: context, serverHostname: SNI.name(host)))
                    }
                    let multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(),
                        streamConfiguration: .init()
                    ) { pushed in
                        // We never enable push, so a stream that the server opens is closed.
                        pushed.close()
                    }
                    return (channel, multiplexer)
                }
            }
    }

    private static func tlsContext(_ roots: NIOSSLTrustRoots) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = roots
        configuration.applicationProtocols = ["h2"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// Sends one request and waits for its whole answer.
    /// - Parameter headers: names in lower case.
    /// - Throws: `unavailable` if the connection broke before the answer was whole: whether the
    ///   server did the work is then unknown.
    func request(
        _ method: String, _ path: String, _ headers: [(String, String)], body: ByteBuffer
    ) async throws(CommandFailure) -> Reply {
        var block = HPACKHeaders()
        block.add(name: ":method", value: method)
        block.add(name: ":scheme", value: server.isSecure ? "https" : "http")
        block.add(name: ":authority", value: server.authority)
        block.add(name: ":path", value: path)
        for (name, value) in headers { block.add(name: name, value: value) }
        block.add(name: "content-length", value: String(body.readableBytes))
        let request = (block, body)
        let answer = channel.eventLoop.makePromise(of: Reply.self)
        let opened = channel.eventLoop.makePromise(of: (any Channel).self)
        opened.futureResult.whenFailure { answer.fail($0) }
        multiplexer.createStreamChannel(promise: opened) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(
                    ExchangeHandler(request.0, request.1, answer))
            }
        }
        do {
            return try await answer.futureResult.get()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(
                .unavailable,
                "the connection to \(server) broke: what was under way may be stored or not",
                next: "strm status")
        }
    }

    func close() async {
        // It may be closed already; either way it is gone afterwards.
        try? await channel.close()
    }
}

/// The name to send in TLS's server name indication: RFC 6066 §3 allows no addresses there.
enum SNI {
    static func name(_ host: String) -> String? {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return isAddress ? nil : host
    }
}

/// Sends one request on its stream and gathers the answer; lives on the stream's event loop.
private final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let headers: HPACKHeaders
    private let body: ByteBuffer
    private var answer: EventLoopPromise<Reply>?
    private var reply = Reply(status: 0, headers: [:], body: [])

    init(_ headers: HPACKHeaders, _ body: ByteBuffer, _ answer: EventLoopPromise<Reply>) {
        self.headers = headers
        self.body = body
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        let isEmpty = body.readableBytes == 0
        let head = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: isEmpty))
        context.write(wrapOutboundOut(head), promise: nil)
        if !isEmpty {
            let data = HTTP2Frame.FramePayload.data(
                .init(data: .byteBuffer(body), endStream: true))
            context.write(wrapOutboundOut(data), promise: nil)
        }
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            for (name, value, _) in frame.headers {
                if name == ":status" {
                    reply.status = Int(value) ?? 0
                } else {
                    reply.headers[name] = value
                }
            }
            if frame.endStream { finish() }
        case .data(let frame):
            if case .byteBuffer(let buffer) = frame.data {
                reply.body.append(contentsOf: buffer.readableBytesView)
            }
            guard reply.body.count <= Reply.bodyBytesMax else {
                return fail(CommandFailure(.failed, "the answer is too large"), context)
            }
            if frame.endStream { finish() }
        case .rstStream(let code):
            fail(CommandFailure(.unavailable, "the server reset the request: \(code)"), context)
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer?.fail(ChannelError.eof)
        answer = nil
        context.fireChannelInactive()
    }

    private func finish() {
        answer?.succeed(reply)
        answer = nil
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        answer?.fail(error)
        answer = nil
        context.close(promise: nil)
    }
}
