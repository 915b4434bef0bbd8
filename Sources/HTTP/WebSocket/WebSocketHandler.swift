import NIOCore
import NIOWebSocket

/// One WebSocket on its event loop: checks frames, puts messages together, answers pings, holds
/// senders back while the socket is full, and closes by the book.
final class WebSocketHandler: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    /// Gets nil when its frames were taken, else why they never will be.
    typealias Sender = CheckedContinuation<WebSocketError?, Never>
    /// Gets the next message, or nil when there will be none.
    typealias Receiver = CheckedContinuation<WebSocketMessage?, Never>

    /// Held by the service too; told when all is over.
    weak var front: WebSocketConnection?
    /// Cancelled when the connection is gone.
    var service: Task<Void, Never>?
    private let connection: Connection
    private let receivesMessages: Bool
    private var context: ChannelHandlerContext?

    private var waiting: [(frames: ByteBuffer, sender: Sender)] = []
    private var isDraining = false
    private var blockedSince: NIODeadline?
    private var closeSentAt: NIODeadline?
    private var pingedAt = NIODeadline.now()
    private var pingsUnanswered = 0
    private var controlFrames = RateWindow()

    private var message: ByteBuffer?
    private var messageIsText = false
    private var messages: [WebSocketMessage] = []
    private var messageBytes = 0
    private var receiver: Receiver?
    private var isReadHeld = false
    private var isOver = false

    private static let sendersMax = 16
    private static let pingsMax = 3
    private static let messagesMax = 64

    init(connection: Connection, receivesMessages: Bool) {
        self.connection = connection
        self.receivesMessages = receivesMessages
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.loop.counters.webSocketsOpen.bump()
        if !context.channel.isWritable { blockedSince = .now() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        connection.loop.counters.webSocketsOpen.bump(-1)
        front?.didClose()
        failWaiting(.closed)
        endReceiving()
        service?.cancel()
        service = nil
    }

    // MARK: Out

    /// Resumes `sender`, once, when the socket has room again for what comes next, or is closed.
    func write(_ frames: ByteBuffer, for sender: Sender) {
        guard let context, !isOver, closeSentAt == nil else {
            return sender.resume(returning: WebSocketError.closed)
        }
        if waiting.isEmpty, context.channel.isWritable {
            context.writeAndFlush(wrapOutboundOut(frames), promise: nil)
            return sender.resume(returning: nil)
        }
        guard waiting.count < Self.sendersMax else {
            return sender.resume(returning: WebSocketError.tooManySenders)
        }
        waiting.append((frames, sender))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            blockedSince = nil
            drainWaiting()
        } else if blockedSince == nil {
            blockedSince = .now()
        }
        context.fireChannelWritabilityChanged()
    }

    private func drainWaiting() {
        // A write may change writability, and come back here, before it returns.
        guard !isDraining else { return }
        isDraining = true
        defer { isDraining = false }
        while let context, context.channel.isWritable, closeSentAt == nil, !waiting.isEmpty {
            let next = waiting.removeFirst()
            context.writeAndFlush(wrapOutboundOut(next.frames), promise: nil)
            next.sender.resume(returning: nil)
        }
    }

    private func failWaiting(_ error: WebSocketError) {
        let failed = waiting
        waiting = []
        for (_, sender) in failed { sender.resume(returning: error) }
    }

    // MARK: Close

    /// Sends the close frame and waits for the client's, at most `lingerSeconds`.
    func close(code: WebSocketCloseCode, reason: String = "") {
        guard let context, closeSentAt == nil, !isOver else { return }
        closeSentAt = .now()
        failWaiting(code == .tryAgainLater ? .tooSlow : .closed)
        front?.didClose()
        endReceiving()
        messages = []
        let frame = WebSocketFrameWriter.close(code: code, reason: reason)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        // The client's close frame must get through even where its messages were held back.
        releaseRead()
    }

    /// The client broke a rule: say which, and read no more.
    private func fail(_ code: WebSocketCloseCode) {
        connection.loop.counters.protocolErrors.bump()
        close(code: code)
        connection.closeLingering()
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !connection.isLingering, !isOver else { return }
        let frame = unwrapInboundIn(data)
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return fail(.protocolError)
        }
        switch frame.opcode {
        case .text, .binary, .continuation: receiveData(frame)
        case .ping: receivePing(frame)
        case .pong: countControlFrame()
        case .connectionClose: receiveClose(frame)
        default: fail(.protocolError)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? NIOWebSocketError else {
            context.close(promise: nil)
            return
        }
        fail(error == .invalidFrameLength ? .messageTooBig : .protocolError)
    }

    private func receiveData(_ frame: WebSocketFrame) {
        let isFirst = frame.opcode != .continuation
        // A new message inside another, or a continuation of nothing.
        guard isFirst == (message == nil) else { return fail(.protocolError) }
        if isFirst { messageIsText = frame.opcode == .text }
        var payload = frame.unmaskedData
        let most = connection.loop.configuration.webSocketMessageBytesMax
        guard (message?.readableBytes ?? 0) + payload.readableBytes <= most else {
            return fail(.messageTooBig)
        }
        if message == nil { message = payload } else { message?.writeBuffer(&payload) }
        guard frame.fin, let whole = message else { return }
        message = nil
        if messageIsText, String(validating: whole.readableBytesView, as: UTF8.self) == nil {
            return fail(.invalidPayload)
        }
        guard receivesMessages, closeSentAt == nil else { return }
        let bytes = Array(whole.readableBytesView)
        deliver(messageIsText ? .text(bytes) : .binary(bytes), count: bytes.count)
    }

    private func deliver(_ message: WebSocketMessage, count: Int) {
        if let receiver {
            self.receiver = nil
            receiver.resume(returning: message)
        } else {
            messages.append(message)
            messageBytes += count
        }
    }

    /// Resumes `receiver`, once. One at a time: a second one gets nil.
    func nextMessage(for receiver: Receiver) {
        if !messages.isEmpty {
            let message = messages.removeFirst()
            switch message {
            case .text(let bytes), .binary(let bytes): messageBytes -= bytes.count
            }
            if !isInputFull { releaseRead() }
            return receiver.resume(returning: message)
        }
        guard receivesMessages, !isOver, closeSentAt == nil, self.receiver == nil else {
            return receiver.resume(returning: nil)
        }
        self.receiver = receiver
    }

    private func endReceiving() {
        receiver?.resume(returning: nil)
        receiver = nil
    }

    private var isInputFull: Bool {
        messages.count >= Self.messagesMax
            || messageBytes >= connection.loop.configuration.webSocketMessageBytesMax
    }

    func read(context: ChannelHandlerContext) {
        if isInputFull, closeSentAt == nil {
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

    private func receivePing(_ frame: WebSocketFrame) {
        guard countControlFrame(), closeSentAt == nil, let context else { return }
        // A pong to a client that reads nothing would only add to what waits.
        guard context.channel.isWritable else { return }
        var pong = ByteBuffer()
        WebSocketFrameWriter.append(
            Array(frame.unmaskedData.readableBytesView)[...], opcode: .pong, to: &pong)
        context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
    }

    @discardableResult
    private func countControlFrame() -> Bool {
        let most = connection.loop.configuration.controlFramesMax
        let window = connection.loop.limits.abuseWindow
        guard controlFrames.exceeds(most, in: window, now: .now()) else { return true }
        fail(.policyViolation)
        return false
    }

    private func receiveClose(_ frame: WebSocketFrame) {
        var payload = frame.unmaskedData
        var answer = WebSocketCloseCode.normal
        if payload.readableBytes > 0 {
            let code = payload.readInteger(as: UInt16.self)
            let reason = String(validating: payload.readableBytesView, as: UTF8.self)
            if !Self.isValid(closeCode: code) {
                answer = .protocolError
            } else if reason == nil {
                answer = .invalidPayload
            }
        }
        close(code: answer)
        connection.closeLingering()
    }

    /// What a client may send (RFC 6455, 7.4.1 and 7.4.2).
    private static func isValid(closeCode: UInt16?) -> Bool {
        switch closeCode {
        case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014: true
        case .some(3000...4999): true
        default: false
        }
    }

    // MARK: Time

    func checkDeadlines(_ now: NIODeadline) {
        let limits = connection.loop.limits
        if let closeSentAt {
            if now - closeSentAt > limits.linger { connection.closeNow() }
            return
        }
        if let blockedSince {
            guard now - blockedSince > limits.webSocketStallTimeout else { return }
            connection.loop.counters.timeouts.bump()
            close(code: .tryAgainLater, reason: "reader too slow")
            return
        }
        // Silence is the client's only while it is read.
        if isReadHeld || now - connection.lastReadAt <= limits.webSocketPing {
            pingsUnanswered = 0
        } else if now - pingedAt > limits.webSocketPing {
            guard pingsUnanswered < Self.pingsMax else {
                connection.loop.counters.timeouts.bump()
                connection.closeNow()
                return
            }
            pingsUnanswered += 1
            pingedAt = now
            var ping = ByteBuffer()
            WebSocketFrameWriter.append([], opcode: .ping, to: &ping)
            context?.writeAndFlush(wrapOutboundOut(ping), promise: nil)
        }
    }
}
