import NIOCore
import NIOHTTP1

/// The way out of an HTTP/1.1 connection, and its deadlines.
extension HTTP1Handler {
    /// One write of a body carries this many bytes.
    private static var writeBytesMax: Int { 64 << 10 }

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

    private func writeHead(of whole: HTTPResponse) {
        guard let context else { return }
        var response = whole
        if response.body.count > ResponseHold.uncountedBytes, head?.method != .HEAD {
            responseHold = ResponseHold(response.body.count, on: loop)
            if responseHold == nil { response = ProtocolProblem.answersWait.response }
        }
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
        responseHold = nil
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
