package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Serves HTTP/2, HTTP/1.1 and WebSocket on one port, in clear text or over TLS, with its own
/// event loops.
///
/// Life: `start()` once, `shutdownGracefully` once. The handler is held until the server goes.
package final class HTTPServer: Sendable {
    /// One per event loop, by `HTTPLoop.index`. There from the beginning.
    package let loops: [HTTPLoop]

    private let configuration: HTTPConfiguration
    private let limiter: ConnectionLimiter
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let state = Mutex(State.new)

    private enum State {
        case new
        case starting
        case serving(any Channel)
        case stopped
    }

    package init(
        configuration: HTTPConfiguration, handler: any HTTPHandler, logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        let limiter = ConnectionLimiter(
            total: configuration.connectionsMax, perAddress: configuration.connectionsPerAddressMax)
        self.limiter = limiter
        let threads = min(max(1, configuration.eventLoopThreads), 1024)
        group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        loops = group.makeIterator().enumerated().map { index, eventLoop in
            HTTPLoop(
                index: index, eventLoop: eventLoop, configuration: configuration,
                handler: handler, limiter: limiter)
        }
    }

    package func loop(for token: ResponseToken) -> HTTPLoop {
        loops[token.loopIndex]
    }

    package var statistics: HTTPStatistics {
        var sum = HTTPStatistics()
        for loop in loops { loop.counters.add(to: &sum) }
        sum.connectionsOpen = limiter.open
        sum.connectionsRefused = limiter.refused
        return sum
    }

    // MARK: Start

    /// Binds the port and serves from then on. Returns the port that was bound.
    /// - Throws: nothing was bound, and the server is of no further use but for
    ///   `shutdownGracefully`. `.insecureRemote` asks the operator for a decision.
    package func start() async throws(HTTPServerError) -> Int {
        try state.withLock { state throws(HTTPServerError) in
            guard case .new = state else { throw .alreadyStarted }
            state = .starting
        }
        if let problem = configuration.problem() { throw .badConfiguration(problem) }
        let address = try await resolvedAddress()
        let tls = try configuration.tls.map { files throws(HTTPServerError) in
            try Self.makeTLSContext(files)
        }
        if tls == nil, !configuration.allowInsecureRemote, !Self.isLoopback(address) {
            throw .insecureRemote(host: configuration.host)
        }
        let channel: any Channel
        do {
            channel = try await makeBootstrap(tls: tls).bind(to: address).get()
        } catch {
            throw .bind(
                host: configuration.host, port: configuration.port, reason: "\(error)")
        }
        state.withLock { state in state = .serving(channel) }
        let port = channel.localAddress?.port ?? configuration.port
        logger.info(
            "serving HTTP",
            metadata: [
                "host": "\(configuration.host)", "port": "\(port)", "tls": "\(tls != nil)",
            ])
        return port
    }

    private func resolvedAddress() async throws(HTTPServerError) -> SocketAddress {
        let (host, port) = (configuration.host, configuration.port)
        do {
            // A name is looked up, which blocks: not on an event loop.
            return try await NIOThreadPool.singleton.runIfActive {
                try SocketAddress.makeAddressResolvingHost(host, port: port)
            }
        } catch {
            throw .bind(host: host, port: port, reason: "the host name cannot be resolved")
        }
    }

    static func isLoopback(_ address: SocketAddress) -> Bool {
        switch ConnectionLimiter.key(of: address) {
        case .ipv4(let bits):
            return UInt32(bigEndian: bits) >> 24 == 127
        case .ipv6:
            return address.ipAddress == "::1"
        case .other:
            return false
        }
    }

    private static func makeTLSContext(
        _ files: HTTPConfiguration.TLSFiles
    ) throws(HTTPServerError) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificateChainPath)
            let key = try NIOSSLPrivateKey(file: files.privateKeyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["h2", "http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .tls("\(error)")
        }
    }

    private func makeBootstrap(tls: NIOSSLContext?) -> ServerBootstrap {
        let loopOf = Dictionary(
            uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
        let limiter = limiter
        let most = configuration.outboundBytesMax
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.acceptBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: max(1, most / 2), high: most)
            )
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.open(
                        channel, on: loopOf[ObjectIdentifier(channel.eventLoop)],
                        limiter: limiter, tls: tls)
                }
            }
    }

    private struct Refused: Error {}

    /// Makes the front of a new connection's pipeline; throwing closes it.
    private static func open(
        _ channel: any Channel, on loop: HTTPLoop?, limiter: ConnectionLimiter, tls: NIOSSLContext?
    ) throws {
        let key = ConnectionLimiter.key(of: channel.remoteAddress)
        guard let loop, limiter.admit(key) else { throw Refused() }
        channel.closeFuture.whenComplete { _ in limiter.release(key) }
        guard let connection = loop.register(channel: channel, isTLS: tls != nil) else {
            throw Refused()
        }
        let bound = NIOLoopBound(connection, eventLoop: loop.eventLoop)
        channel.closeFuture.whenComplete { _ in bound.value.loop.unregister(bound.value) }
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        try pipeline.addHandler(ProtocolSniffer(connection: connection))
    }

    // MARK: Stop

    /// Stops accepting, tells every peer, finishes what is in flight, then closes. What is still
    /// there after `deadlineSeconds` is closed by force. Returns when all connections are closed
    /// and the event loops have stopped. A second call returns at once.
    package func shutdownGracefully(deadlineSeconds: Double) async {
        let before = state.withLock { state in
            let before = state
            state = .stopped
            return before
        }
        if case .stopped = before { return }
        if case .serving(let channel) = before {
            do { try await channel.close().get() } catch {
                logger.debug("the listening socket was closed already")
            }
        }
        let wait = TimeAmount.nanoseconds(Int64(max(0, deadlineSeconds) * 1e9))
        let deadline = NIODeadline.now() + wait
        // All at once: a loop that waits for a slow client must not eat the others' time.
        let drains = loops.map { loop in
            loop.eventLoop.flatSubmit { loop.drain(until: deadline) }
        }
        for drain in drains {
            do {
                try await drain.get()
            } catch {
                logger.error("an event loop did not drain")
            }
        }
        do { try await group.shutdownGracefully() } catch {
            logger.error("the event loops did not stop")
        }
    }
}
