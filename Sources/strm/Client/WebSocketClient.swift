import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Reads text messages from one WebSocket until the server closes it.
enum WebSocketClient {
    /// Largest message accepted: an event is at most 1 MiB when it is sent, and sealing makes
    /// its personal fields longer by less than that again.
    static let messageBytesMax = 4 << 20

    private enum Upgrade: Sendable {
        case open(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
        case refused(status: Int)
    }

    /// Calls `receive` with each text message, in order, until it answers false, the server
    /// closes the socket, or the task is cancelled. Pings are answered.
    /// - Throws: `unavailable` if the server cannot be reached or the connection breaks,
    ///   `notPermitted` if it refuses the token.
    static func read(
        _ server: ServerURL, path: String, token: String, trusting roots: NIOSSLTrustRoots,
        _ receive: (ByteBuffer) async throws -> Bool
    ) async throws {
        let upgrade: Upgrade
        do {
            upgrade = try await connect(server, path, token, roots)
        } catch {
            throw ServerClient.failure(error, server)
        }
        switch upgrade {
        case .refused(let status):
            try Reply(status: status, headers: [:], body: []).check("open a WebSocket")
            throw CommandFailure(.failed, "the server does not open a WebSocket: status \(status)")
        case .open(let channel):
            try await channel.executeThenClose { inbound, outbound in
                try await follow(inbound, outbound, receive)
            }
        }
    }

    private static func follow(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>,
        _ receive: (ByteBuffer) async throws -> Bool
    ) async throws {
        for try await frame in inbound {
            switch frame.opcode {
            case .text, .binary:
                guard try await receive(frame.unmaskedData) else {
                    var reason = ByteBuffer()
                    reason.write(webSocketErrorCode: .normalClosure)
                    return try await outbound.write(masked(.connectionClose, reason))
                }
            case .ping:
                try await outbound.write(masked(.pong, frame.unmaskedData))
            case .connectionClose:
                var reason = frame.unmaskedData
                let code = reason.readWebSocketErrorCode() ?? .normalClosure
                guard code != .normalClosure, code != .goingAway else { return }
                throw CommandFailure(.unavailable, "the server closed the WebSocket: \(code)")
            default:
                break
            }
        }
    }

    private static func masked(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
    }

    private static func connect(
        _ server: ServerURL, _ path: String, _ token: String, _ roots: NIOSSLTrustRoots
    ) async throws -> Upgrade {
        let context = try server.isSecure ? tlsContext(roots) : nil
        let upgraded: EventLoopFuture<Upgrade> = try await ClientBootstrap(
            group: MultiThreadedEventLoopGroup.singleton
        )
        .connectTimeout(.seconds(5))
        .connect(host: server.host, port: server.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let context {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(
                            context: context, serverHostname: SNI.name(server.host)))
                }
                return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
                    configuration: .init(
                        upgradeConfiguration: upgradeConfiguration(server, path, token)))
            }
        }
        return try await upgraded.get()
    }

    private static func upgradeConfiguration(
        _ server: ServerURL, _ path: String, _ token: String
    ) -> NIOTypedHTTPClientUpgradeConfiguration<Upgrade> {
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: messageBytesMax
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: messageBytesMax))
                return .open(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
            }
        }
        var headers = HTTPHeaders()
        headers.add(name: "host", value: server.authority)
        headers.add(name: "authorization", value: "Bearer \(token)")
        headers.add(name: "content-length", value: "0")
        return NIOTypedHTTPClientUpgradeConfiguration(
            upgradeRequestHead: HTTPRequestHead(
                version: .http1_1, method: .GET, uri: path, headers: headers),
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                let status = channel.eventLoop.makePromise(of: Upgrade.self)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RefusalHandler(status))
                }.flatMap { status.futureResult }
            })
    }

    private static func tlsContext(_ roots: NIOSSLTrustRoots) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = roots
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// Takes the status of an answer that is not an upgrade.
    private final class RefusalHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private var status: EventLoopPromise<Upgrade>?

        init(_ status: EventLoopPromise<Upgrade>) {
            self.status = status
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            status?.succeed(.refused(status: Int(head.status.code)))
            status = nil
            context.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            status?.fail(error)
            status = nil
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            status?.fail(ChannelError.eof)
            status = nil
            context.fireChannelInactive()
        }
    }
}
