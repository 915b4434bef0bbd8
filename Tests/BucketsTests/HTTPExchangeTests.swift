import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Buckets

@Suite("exchanges")
struct HTTPExchangeTests {
    private let plain = ExchangeRequest(method: "GET", target: "/")

    private func endpoint(_ text: String = "http://store.example") throws -> Endpoint {
        try Endpoint(
            parsing: text, pointer: "/endpoint",
            policy: BucketPolicy(allowsInsecureEndpoints: true))
    }

    /// An exchange that answers from a script and keeps the pauses it was asked for.
    private func scripted(
        _ script: [Result<ExchangeReply, BucketError>], pauses: Recorder<Int64> = Recorder()
    ) throws -> (HTTPExchange, Recorder<ExchangeRequest>) {
        let sent = Recorder<ExchangeRequest>()
        let exchange = HTTPExchange(
            endpoint: try endpoint(),
            transport: { request throws(BucketError) in
                let number = sent.append(request)
                return try script[min(number, script.count - 1)].get()
            },
            pause: { _ = pauses.append($0) })
        return (exchange, sent)
    }

    @Test(
        "are tried again after failures that may pass",
        arguments: [408, 429, 500, 502, 503, 504])
    func transient(status: Int) async throws {
        let pauses = Recorder<Int64>()
        let (exchange, sent) = try scripted(
            [
                .success(ExchangeReply(status: status)), .failure(.unreachable("refused")),
                .success(ExchangeReply(status: 200)),
            ], pauses: pauses)
        #expect(try await exchange.send { plain }.status == 200)
        #expect(sent.values.count == 3)
        #expect((0...100).contains(pauses.values[0]) && (0...500).contains(pauses.values[1]))
    }

    @Test("are tried four times at most; the last answer or error stands")
    func limit() async throws {
        let (failing, sent) = try scripted([.success(ExchangeReply(status: 503))])
        #expect(try await failing.send { plain }.status == 503)
        #expect(sent.values.count == 4)
        let (absent, asked) = try scripted([.failure(.unreachable("refused"))])
        await #expect(throws: BucketError.unreachable("refused")) {
            try await absent.send { plain }
        }
        #expect(asked.values.count == 4)
    }

    @Test("make the request anew for each try")
    func fresh() async throws {
        let (exchange, sent) = try scripted([.success(ExchangeReply(status: 500))])
        let clock = Recorder<Int>()
        _ = try await exchange.send {
            ExchangeRequest(method: "GET", target: "/\(clock.append(0))")
        }
        #expect(sent.values.map(\.target) == ["/0", "/1", "/2", "/3"])
    }

    @Test("that say no are final", arguments: [200, 204, 400, 403, 404, 409, 412, 501])
    func final(status: Int) async throws {
        let (exchange, sent) = try scripted([.success(ExchangeReply(status: status))])
        #expect(try await exchange.send { plain }.status == status)
        #expect(sent.values.count == 1)
    }

    @Test("follow no redirect", arguments: [300, 301, 302, 303, 304, 307])
    func redirects(status: Int) async throws {
        let headers = [("Location", "http://169.254.169.254/latest")]
        let (exchange, sent) = try scripted([
            .success(ExchangeReply(status: status, headers: headers))
        ])
        await #expect(throws: BucketError.endpointRefused("it redirects")) {
            try await exchange.send { plain }
        }
        #expect(sent.values.count == 1)
    }

    @Test("take 308 for a redirect only if it says where to")
    func unfinished() async throws {
        let (resumable, _) = try scripted([
            .success(ExchangeReply(status: 308, headers: [("Range", "bytes=0-9")]))
        ])
        #expect(try await resumable.sendOnce(plain).header("range") == "bytes=0-9")
        let (redirect, _) = try scripted([
            .success(ExchangeReply(status: 308, headers: [("Location", "/b")]))
        ])
        await #expect(throws: BucketError.endpointRefused("it redirects")) {
            try await redirect.sendOnce(plain)
        }
    }

    @Test("tell the region that a bucket is in, if it looks like one")
    func region() async throws {
        let (exchange, _) = try scripted([
            .success(
                ExchangeReply(status: 301, headers: [("x-amz-bucket-region", "eu-west-1")]))
        ])
        await #expect(
            throws: BucketError.invalid(
                pointer: "/region", expected: "the bucket's region, eu-west-1")
        ) { try await exchange.send { plain } }
        let (hostile, _) = try scripted([
            .success(ExchangeReply(status: 301, headers: [("x-amz-bucket-region", "a\u{1B}[2J")]))
        ])
        await #expect(throws: BucketError.endpointRefused("it redirects")) {
            try await hostile.send { plain }
        }
    }

    @Test("of a cancelled task are not sent")
    func cancellation() async throws {
        let (exchange, sent) = try scripted([.success(ExchangeReply(status: 200))])
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await exchange.send { plain }
        }
        task.cancel()
        await #expect(throws: BucketError.cancelled) { try await task.value }
        #expect(sent.values.isEmpty)
    }

    @Test("end when the task is cancelled during a pause")
    func cancelledPause() async throws {
        let exchange = HTTPExchange(
            endpoint: try endpoint(),
            transport: { _ throws(BucketError) in ExchangeReply(status: 503) },
            pause: { _ in throw CancellationError() })
        await #expect(throws: BucketError.cancelled) { try await exchange.send { plain } }
    }
}

@Suite("pinned addresses")
struct PinningTests {
    /// What the rule lets pass and what it does not, one list for each question.
    private func resolver(
        _ answers: [[String]], asked: Recorder<String> = Recorder()
    ) -> NameResolver {
        NameResolver { host, port throws(BucketError) in
            let number = asked.append(host)
            return answers[min(number, answers.count - 1)].compactMap {
                try? SocketAddress(ipAddress: $0, port: port)
            }
        }
    }

    private func endpoint(_ text: String) throws -> Endpoint {
        try Endpoint(
            parsing: text, pointer: "/e", policy: BucketPolicy(allowsInsecureEndpoints: true))
    }

    @Test("are the first ones of names whose addresses are all public")
    func first() async throws {
        let name = try endpoint("https://store.example")
        let address = try await resolver([["8.8.8.8", "1.1.1.1"]])
            .pinnedAddress(of: name, policy: BucketPolicy())
        #expect(address.ipAddress == "8.8.8.8")
        await #expect(throws: BucketError.endpointRefused("its address is link-local")) {
            try await resolver([["8.8.8.8", "169.254.169.254"]])
                .pinnedAddress(of: name, policy: BucketPolicy())
        }
        await #expect(throws: BucketError.unreachable("its name has no address")) {
            try await resolver([[]]).pinnedAddress(of: name, policy: BucketPolicy())
        }
    }

    @Test("of endpoints that are addresses obey the same rule, and nobody is asked")
    func literals() async throws {
        let asked = Recorder<String>()
        for text in ["https://127.0.0.1", "https://[::1]", "https://[::ffff:10.0.0.1]"] {
            let endpoint = try endpoint(text)
            await #expect(throws: BucketError.self) {
                try await resolver([["8.8.8.8"]], asked: asked)
                    .pinnedAddress(of: endpoint, policy: BucketPolicy())
            }
        }
        #expect(asked.values.isEmpty)
    }

    @Test("stay when the name's owner gives out others: the name is looked up once")
    func rebinding() async throws {
        let server = try await TinyServer.start()
        let asked = Recorder<String>()
        let policy = BucketPolicy(
            allowsInsecureEndpoints: true, allowsPrivateAddresses: true, requestSeconds: 5)
        let exchange = try await HTTPExchange.open(
            try endpoint("http://rebinding.example:\(server.port)"), policy: policy,
            resolver: resolver([["127.0.0.1"], ["192.0.2.1"]], asked: asked))
        let request = ExchangeRequest(
            method: "PUT", target: "/a%21b/c?uploads&prefix=a%2Fb%20c", headers: [("x-a", "b")],
            body: Array("hello".utf8))
        // The server closes after each answer, so each request makes a connection of its own.
        for _ in 0..<3 {
            let reply = try await exchange.sendOnce(request)
            #expect(reply.status == 200 && reply.body == Array("ok".utf8))
        }
        await exchange.close()
        try await server.stop()
        #expect(asked.values == ["rebinding.example"])
        #expect(server.requests.values.count == 3)
        let text = try #require(server.requests.values.first)
        #expect(text.hasPrefix("PUT /a%21b/c?uploads&prefix=a%2Fb%20c HTTP/1.1\r\n"))
        #expect(text.lowercased().contains("host: rebinding.example:\(server.port)\r\n"))
        #expect(text.hasSuffix("\r\n\r\nhello"))
    }

    @Test("that nobody listens at are unreachable, in our own words")
    func refusedConnection() async throws {
        let server = try await TinyServer.start()
        try await server.stop()
        let exchange = try await HTTPExchange.open(
            try endpoint("http://127.0.0.1:\(server.port)"),
            policy: BucketPolicy(
                allowsInsecureEndpoints: true, allowsPrivateAddresses: true, requestSeconds: 5))
        await #expect(throws: BucketError.unreachable("Connection refused")) {
            try await exchange.sendOnce(ExchangeRequest(method: "GET", target: "/"))
        }
        await exchange.close()
    }
}

/// Keeps what it is given, in order.
final class Recorder<Value: Sendable>: Sendable {
    private let state = Mutex<[Value]>([])

    var values: [Value] { state.withLock { $0 } }

    /// Returns how many there were before.
    func append(_ value: Value) -> Int {
        state.withLock {
            $0.append(value)
            return $0.count - 1
        }
    }
}

/// An HTTP server on a port of its own that answers every request with `ok` and closes.
struct TinyServer {
    let port: Int
    let requests: Recorder<String>
    private let channel: any Channel

    static func start() async throws -> TinyServer {
        let requests = Recorder<String>()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.pipeline.addHandler(Handler(requests: requests))
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        return TinyServer(port: port, requests: requests, channel: channel)
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let requests: Recorder<String>
        private let received = Mutex("")

        init(requests: Recorder<String>) { self.requests = requests }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = received.withLock {
                $0 += String(buffer: unwrapInboundIn(data))
                return $0
            }
            guard let end = text.firstRange(of: "\r\n\r\n") else { return }
            let length = text.lowercased().split(separator: "\r\n")
                .first { $0.hasPrefix("content-length: ") }
                .flatMap { Int($0.dropFirst("content-length: ".count)) }
            guard text[end.upperBound...].utf8.count >= length ?? 0 else { return }
            _ = requests.append(text)
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            context.close(promise: nil)
        }
    }
}
