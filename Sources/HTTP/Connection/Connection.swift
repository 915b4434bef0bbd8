import NIOCore

/// One accepted connection, from the accept to its close, whatever protocol it turns out to
/// speak. Confined to the event loop of its channel.
final class Connection {
    enum Phase {
        /// TLS is being set up.
        case handshaking
        /// Waits for the first bytes, which tell HTTP/2 from HTTP/1.1.
        case sniffing
        case http1(HTTP1Handler)
        case http2(HTTP2Handler)
        case webSocket(WebSocketHandler)
        /// Our side is closed; what still comes in is dropped, so that the peer reads our last
        /// words instead of a reset.
        case lingering
        case closed
    }

    let loop: HTTPLoop
    let channel: any Channel
    let slot: Int
    let generation: UInt32
    let remoteAddress: String
    let isTLS: Bool
    let acceptedAt: NIODeadline
    @exclusivity(unchecked) private(set) var phase: Phase
    private(set) var phaseSince: NIODeadline
    /// When our side was closed, with everything sent.
    private var lingerSince: NIODeadline?
    /// When the peer last sent anything.
    @exclusivity(unchecked) var lastReadAt: NIODeadline
    /// Whether the loop's list of connections with unsent answers holds this one.
    @exclusivity(unchecked) var isTouched = false

    init(
        loop: HTTPLoop, channel: any Channel, slot: Int, generation: UInt32,
        remoteAddress: String, isTLS: Bool
    ) {
        self.loop = loop
        self.channel = channel
        self.slot = slot
        self.generation = generation
        self.remoteAddress = remoteAddress
        self.isTLS = isTLS
        acceptedAt = .now()
        lastReadAt = acceptedAt
        phaseSince = acceptedAt
        phase = isTLS ? .handshaking : .sniffing
    }

    var isLingering: Bool {
        if case .lingering = phase { true } else { false }
    }

    func enter(_ next: Phase) {
        if case .closed = phase { return }
        phase = next
        phaseSince = .now()
    }

    func token(stream: UInt32) -> ResponseToken {
        ResponseToken(loop: loop.index, slot: slot, generation: generation, stream: stream)
    }

    /// Sends what was answered since the last flush.
    func flush() {
        switch phase {
        case .http1(let handler): handler.flush()
        case .http2(let handler): handler.pump()
        case .handshaking, .sniffing, .webSocket, .lingering, .closed: break
        }
    }

    /// Closes our side once what was written has left, then waits a little for the peer to close
    /// its own: closing both at once would send a reset, which destroys the answer at the peer.
    func closeLingering() {
        switch phase {
        case .lingering, .closed: return
        default: break
        }
        enter(.lingering)
        let isSent = loop.eventLoop.makePromise(of: Void.self)
        isSent.futureResult.assumeIsolated().whenComplete { _ in self.lingerSince = .now() }
        channel.close(mode: .output, promise: isSent)
        // A peer that pipelines is read, and ignored, until it notices or the linger time is up.
        channel.read()
    }

    /// Closes at once. Unsent bytes are lost.
    func closeNow() {
        if case .closed = phase { return }
        channel.close(promise: nil)
    }

    /// Finishes what is in flight, takes nothing new, then closes.
    func drain() {
        switch phase {
        case .handshaking, .sniffing: closeNow()
        case .http1(let handler): handler.drain()
        case .http2(let handler): handler.drain()
        case .webSocket(let handler): handler.close(code: .goingAway)
        case .lingering, .closed: break
        }
    }

    /// Called by the loop's sweep. Anything late is ended here.
    func checkDeadlines(_ now: NIODeadline) {
        let limits = loop.limits
        switch phase {
        case .handshaking:
            expire(if: now - phaseSince > limits.tlsHandshakeTimeout)
        case .sniffing:
            expire(if: now - phaseSince > limits.headerTimeout)
        case .http1(let handler):
            handler.checkDeadlines(now)
        case .http2(let handler):
            handler.checkDeadlines(now)
        case .webSocket(let handler):
            handler.checkDeadlines(now)
        case .lingering:
            if let lingerSince {
                if now - lingerSince > limits.linger { closeNow() }
            } else {
                // The last answer is still on its way to a slow reader.
                expire(if: now - phaseSince > limits.stallTimeout)
            }
        case .closed:
            break
        }
    }

    /// The channel is gone: nothing may touch it from here on.
    func didClose() {
        phase = .closed
    }

    private func expire(if isLate: Bool) {
        guard isLate else { return }
        loop.counters.timeouts.bump()
        closeNow()
    }
}
