import NIOCore
import NIOHTTP1
import NIOWebSocket

/// HTTP/1.1 on one connection, behind NIO's decoder: one request at a time. Pipelined ones wait in
/// `backlog`, and nothing is read while one is being answered, so they are few.
///
/// NIO's own pipelining handler is not used: it traps when an answer comes before a request was
/// whole in its eyes, as 408 and 431 do, so a client could stop the process.
///
/// All writing happens in `flush()`, never inside `channelRead`: a thousand pipelined requests
/// would otherwise nest a thousand calls deep.
final class HTTP1Handler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    enum State {
        case idle
        /// The head is in; body parts are coming.
        case receiving
        /// The handler has the request, or a refusal is about to be sent.
        case answering
        /// A WebSocket handshake is being decided.
        case upgrading
        /// No further request is taken: what comes in is dropped.
        case closing
    }

    /// What the decoder said while a request was being answered.
    enum Part {
        case request(HTTPServerRequestPart)
        case failure(ProtocolProblem)
    }

    let connection: Connection
    let loop: HTTPLoop
    var context: ChannelHandlerContext?
    var state = State.idle
    var stateSince = NIODeadline.now()
    /// Which request of this connection is being served: the stream of its token.
    var requestNumber: UInt32 = 0
    var request: RequestBuffer?
    var head: HTTPRequestHead?
    var keepsAlive = true
    var backlog = CircularBuffer<Part>()
    private var isReadHeld = false
    var answer: HTTPResponse?
    /// The rest of a body that the socket did not take yet.
    var unsent: ArraySlice<UInt8> = []
    var responseHold: ResponseHold?
    var isSendingBody = false
    var isFlushing = false
    var blockedSince: NIODeadline?
    var headSince: NIODeadline?
    /// For a WebSocket, whose pipeline has none of them.
    var httpHandlers: [any RemovableChannelHandler] = []
    /// What decides about a WebSocket handshake. Cancelled when the connection is gone.
    var decision: Task<Void, Never>?

    init(connection: Connection) {
        self.connection = connection
        loop = connection.loop
    }

    func makePipeline() -> [any ChannelHandler] {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = loop.configuration.headerListBytesMax
        limits.maxHeaderListSize = loop.configuration.headerListBytesMax
        limits.maxHeaderFieldCount = loop.configuration.headerFieldsMax
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
        httpHandlers = [encoder, decoder]
        return [ByteMeter(connection: connection), encoder, decoder, self]
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        decision?.cancel()
        decision = nil
        discardRequest()
        releaseRead()
        unsent = []
        responseHold = nil
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        discardRequest()
        backlog.removeAll()
        enter(.closing)
        context.fireChannelInactive()
    }

    // MARK: In

    func bytesArrived(_ now: NIODeadline) {
        if case .idle = state, headSince == nil { headSince = now }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(.request(unwrapInboundIn(data)))
    }

    /// A request is being answered: nothing else is looked at, or read.
    var isBusy: Bool {
        switch state {
        case .answering, .upgrading: true
        case .idle, .receiving, .closing: false
        }
    }

    private func take(_ part: Part) {
        if isBusy || !backlog.isEmpty {
            backlog.append(part)
        } else {
            process(part)
        }
    }

    private func process(_ part: Part) {
        if case .closing = state { return }
        switch part {
        case .request(.head(let head)): receive(head)
        case .request(.body(let bytes)): receive(bytes)
        case .request(.end): receiveEnd()
        case .failure(let problem): refuse(problem)
        }
    }

    /// Goes on with what came while the last request was being answered.
    func resume() {
        while !isBusy, let part = backlog.popFirst() { process(part) }
        if !isBusy { releaseRead() }
    }

    func read(context: ChannelHandlerContext) {
        if isBusy {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    private func releaseRead() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        loop.finishResponses()
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError || error is NIOHTTPDecoderError else {
            context.close(promise: nil)
            return
        }
        loop.counters.protocolErrors.bump()
        let isTooLarge = (error as? HTTPParserError) == .headerOverflow
        take(.failure(isTooLarge ? .headersTooLarge : .malformed))
        // The error may come outside of a read.
        loop.eventLoop.assumeIsolated().execute { self.loop.finishResponses() }
    }

    private func receive(_ head: HTTPRequestHead) {
        requestNumber &+= 1
        headSince = nil
        enter(.receiving)
        self.head = head
        let isAged = NIODeadline.now() - connection.acceptedAt > loop.limits.connectionAgeMax
        // After any upgrade header NIO's decoder stops: nothing can follow on this connection.
        keepsAlive =
            head.isKeepAlive && !loop.isDraining && !isAged
            && !head.headers.contains(name: "upgrade")
        let buffer = loop.takeBuffer()
        switch HTTP1Head.fill(buffer, from: head, configuration: loop.configuration) {
        case .refused(let problem):
            loop.recycle(buffer)
            refuse(problem)
        case .accepted(let expectsContinue):
            request = buffer
            if expectsContinue { sendContinue() }
        }
    }

    private func receive(_ bytes: ByteBuffer) {
        guard case .receiving = state, let request else { return }
        if request.body.count + bytes.readableBytes > loop.configuration.bodyBytesMax {
            refuse(.bodyTooLarge)
        } else if loop.reserveBody(bytes.readableBytes) {
            bytes.withUnsafeReadableBytes { request.appendBody($0) }
        } else {
            refuse(.overloaded)
        }
    }

    private func receiveEnd() {
        guard case .receiving = state, let request, let head else { return }
        self.request = nil
        defer { loop.recycle(request) }
        let path = HTTP1Head.target(request.bytes(of: request.path))
        guard let method = HTTPMethod(request.bytes(of: request.method)) else { return }
        loop.counters.requestsHTTP1.bump()
        let view = request.view(method: method, path: path, connection: connection, isHTTP2: false)
        if HTTP1Head.wantsWebSocket(head) {
            enter(.upgrading)
            WebSocketUpgrade.begin(self, head: head, request: view.copied())
            return
        }
        enter(.answering)
        loop.handler.handle(view, connection.token(stream: requestNumber), on: loop)
    }

    private func sendContinue() {
        guard let context else { return }
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    func discardRequest() {
        guard let request else { return }
        self.request = nil
        loop.recycle(request)
    }

    func enter(_ next: State) {
        state = next
        stateSince = .now()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            blockedSince = nil
            flush()
        } else if blockedSince == nil {
            blockedSince = .now()
        }
        context.fireChannelWritabilityChanged()
    }
}
