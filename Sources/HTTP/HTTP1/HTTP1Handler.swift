import NIOCore
import NIOHTTP1
import NIOWebSocket

/// HTTP/1.1 on one connection, behind NIO's decoder: one request at a time. Pipelined ones wait in
/// `backlog`, and nothing is read while one is being answered, so they are few.
///
/// NIO's own pipelining handler is not used: it traps when an answer comes before a request was
/// whole in its eyes, as 408 and 431 do, so a client could stop the process.
///
/// All writing happens in `flush()`, never inside `channelRead`: a thousand pipelined requests would
/// otherwise nest a thousand calls deep.
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
    private enum Part {
        case request(HTTPServerRequestPart)
        case failure(ProtocolProblem)
    }

    let connection: Connection
    let loop: HTTPLoop
    var context: ChannelHandlerContext?
    private(set) var state = State.idle
    private(set) var stateSince = NIODeadline.now()
    /// Which request of this connection is being served: the stream of its token.
    private var requestNumber: UInt32 = 0
    private var request: RequestBuffer?
    private var head: HTTPRequestHead?
    private var keepsAlive = true
    private var backlog = CircularBuffer<Part>()
    private var isReadHeld = false
    private var answer: HTTPResponse?
    /// The rest of a body that the socket did not take yet.
    private var unsent: ArraySlice<UInt8> = []
    private var isSendingBody = false
    private var isFlushing = false
    private(set) var blockedSince: NIODeadline?
    private var headSince: NIODeadline?
    /// For a WebSocket, whose pipeline has none of them.
    var httpHandlers: [any RemovableChannelHandler] = []

    private static let writeBytesMax = 64 << 10

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
        discardRequest()
        releaseRead()
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
    private var isBusy: Bool {
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
    private func resume() {
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

    private func discardRequest() {
        guard let request else { return }
        self.request = nil
        loop.recycle(request)
    }

    func enter(_ next: State) {
        state = next
        stateSince = .now()
    }

    // MARK: Out

    /// Answers the request of that number, if it is the one that waits.
    func respond(request number: UInt32, _ response: HTTPResponse) {
        guard case .answering = state, number == requestNumber, answer == nil, !isSendingBody
        else { return }
        answer = response
    }

    /// Answers a WebSocket handshake with an ordinary response.
    func reject(_ response: HTTPResponse) {
        guard case .upgrading = state else { return }
        enter(.answering)
        answer = response
        loop.touch(connection)
    }

    /// Answers before the request is whole, and closes afterwards: what is still to come cannot
    /// be told from the next request.
    func refuse(_ problem: ProtocolProblem) {
        guard !isBusy else { return }
        discardRequest()
        keepsAlive = false
        enter(.answering)
        answer = problem.response
        loop.touch(connection)
    }

    func flush() {
        guard !isFlushing, context != nil else { return }
        isFlushing = true
        defer { isFlushing = false }
        if let response = answer {
            answer = nil
            writeHead(of: response.checked())
        }
        if isSendingBody { writeBody() }
    }

    private func writeHead(of response: HTTPResponse) {
        guard let context else { return }
        let hasBody = response.mayHaveBody && head?.method != .HEAD
        let head = HTTP1Head.response(
            response, to: head, keepsAlive: keepsAlive,
            date: loop.configuration.sendsDate ? loop.headers.date : nil)
        unsent = hasBody ? response.body[...] : []
        isSendingBody = true
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func writeBody() {
        guard let context else { return }
        while !unsent.isEmpty {
            guard context.channel.isWritable else {
                context.flush()
                if blockedSince == nil { blockedSince = .now() }
                return
            }
            let chunk = unsent.prefix(Self.writeBytesMax)
            unsent = unsent.dropFirst(chunk.count)
            context.write(
                wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: chunk)))), promise: nil)
            if !unsent.isEmpty { context.flush() }
        }
        unsent = []
        isSendingBody = false
        head = nil
        let closes = !keepsAlive
        enter(closes ? .closing : .idle)
        headSince = nil
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if closes {
            backlog.removeAll()
            connection.closeLingering()
        } else {
            resume()
        }
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

    // MARK: Time

    func checkDeadlines(_ now: NIODeadline) {
        let limits = loop.limits
        if let blockedSince, now - blockedSince > limits.stallTimeout { return expire() }
        switch state {
        case .idle:
            if let headSince {
                guard now - headSince > limits.headerTimeout else { return }
                loop.counters.timeouts.bump()
                refuse(.headTooSlow)
            } else if now - max(stateSince, connection.lastReadAt) > limits.idleTimeout {
                expire()
            }
        case .receiving:
            let count = request?.body.count ?? 0
            guard limits.isTooSlow(count: count, since: stateSince, now: now) else { return }
            loop.counters.timeouts.bump()
            refuse(.bodyTooSlow)
        case .upgrading:
            if now - stateSince > limits.headerTimeout { expire() }
        case .answering, .closing:
            break
        }
    }

    private func expire() {
        loop.counters.timeouts.bump()
        connection.closeNow()
    }

    /// Closes now if nothing is in flight, else after the answer.
    func drain() {
        keepsAlive = false
        if case .idle = state {
            if headSince == nil { connection.closeLingering() }
        }
    }
}
