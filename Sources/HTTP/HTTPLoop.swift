package import NIOCore
import Synchronization

/// One event loop with its connections, and the door through which answers reach them.
///
/// Everything but `index`, `eventLoop`, `submit`, `execute` and the counters is confined to the
/// event loop: call it there only. That confinement is what makes `@unchecked Sendable` true.
package final class HTTPLoop: @unchecked Sendable {
    /// Place in `HTTPServer.loops`.
    package let index: Int
    package let eventLoop: any EventLoop

    let configuration: HTTPConfiguration
    let limits: Limits
    @exclusivity(unchecked) private(set) var handler: any HTTPHandler
    let limiter: ConnectionLimiter
    let counters = LoopCounters()
    let headers = ResponseHeaderWriter()

    private struct Slot {
        var generation: UInt32 = 0
        var connection: Connection?
    }

    @exclusivity(unchecked) private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    /// For `HTTP2Handler`, while one frame is given to nghttp2.
    @exclusivity(unchecked) var frameScratch: [UInt8] = []
    @exclusivity(unchecked) private var touched: [Connection] = []
    @exclusivity(unchecked) private var isFinishing = false
    @exclusivity(unchecked) private var pool: [RequestBuffer] = []
    private var sweep: RepeatedTask?
    private var drained: EventLoopPromise<Void>?
    private(set) var isDraining = false
    private var servicesRunning = 0
    /// Kept by `ResponseHold`.
    var heldResponseBytes = 0
    /// The stop is over, and the event loop may be gone: nothing may hop onto it. A lock, which a
    /// hop holds until it is enqueued: between a look at a flag and the hop, the loop could go.
    private let isStopped = Mutex(false)

    /// Buffers kept for reuse: requests come and go in bursts of this order.
    private static let pooledBuffersMax = 256

    init(
        index: Int, eventLoop: any EventLoop, configuration: HTTPConfiguration,
        handler: any HTTPHandler, limiter: ConnectionLimiter
    ) {
        self.index = index
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.handler = handler
        self.limiter = limiter
        limits = Limits(configuration)
        headers.sendsDate = configuration.sendsDate
    }

    /// Sends every request to another handler from now on. Those that the one before has taken stay
    /// its own. From any thread; what is submitted to the loop afterwards finds it done.
    package func replaceHandler(with handler: any HTTPHandler) {
        execute { self.handler = handler }
    }

    // MARK: Answers

    /// Answers without a body: the cheapest form. On the loop. Outside `HTTPHandler.handle`, call
    /// `finishResponses()` after the last answer of a group: nothing is sent before.
    package func respond(_ token: ResponseToken, status: Int) {
        guard let connection = connection(for: token) else { return }
        switch connection.phase {
        case .http2(let handler): handler.respond(stream: token.stream, status: status)
        case .http1(let handler):
            handler.respond(request: token.stream, HTTPResponse(status: status))
        case .handshaking, .sniffing, .webSocket, .lingering, .closed: return
        }
        touch(connection)
    }

    /// Answers with headers and body. On the loop; `finishResponses()` as above.
    package func respond(_ token: ResponseToken, _ response: HTTPResponse) {
        guard let connection = connection(for: token) else { return }
        switch connection.phase {
        case .http2(let handler): handler.respond(stream: token.stream, response)
        case .http1(let handler): handler.respond(request: token.stream, response)
        case .handshaking, .sniffing, .webSocket, .lingering, .closed: return
        }
        touch(connection)
    }

    /// Sends the answers given since the last call, one write for each connection. On the loop.
    /// Called by the stack itself at the end of each read.
    package func finishResponses() {
        // A write may bring the next pipelined request, whose answer comes back here: the loop
        // below picks it up, and the stack stays flat.
        guard !isFinishing else { return }
        isFinishing = true
        while let connection = touched.popLast() {
            connection.isTouched = false
            connection.flush()
        }
        isFinishing = false
    }

    /// Answers one request from any thread: a hop, the answer and its own write. For answers that
    /// come in groups, hop once and use `respond` and `finishResponses`.
    package func submit(_ token: ResponseToken, _ response: HTTPResponse) {
        execute {
            self.respond(token, response)
            self.finishResponses()
        }
    }

    /// Runs `body` on the loop, from any thread. False, and `body` never runs, once the loop has
    /// stopped: its connections are closed then, or about to be. True: it runs, even if a stop
    /// begins meanwhile.
    @discardableResult
    package func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
        isStopped.withLock { isStopped in
            if isStopped { return false }
            eventLoop.execute(body)
            return true
        }
    }

    func touch(_ connection: Connection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        touched.append(connection)
    }

    private func connection(for token: ResponseToken) -> Connection? {
        guard token.slot < slots.count, slots[token.slot].generation == token.generation else {
            return nil
        }
        return slots[token.slot].connection
    }

    // MARK: Connections

    /// Gives the connection a slot of this loop; nil while the loop is draining.
    func register(channel: any Channel, isTLS: Bool) -> Connection? {
        guard !isDraining else { return nil }
        startSweep()
        let slot = freeSlots.popLast() ?? slots.count
        if slot == slots.count { slots.append(Slot()) }
        let connection = Connection(
            loop: self, channel: channel, slot: slot, generation: slots[slot].generation,
            remoteAddress: channel.remoteAddress?.ipAddress ?? "", isTLS: isTLS)
        slots[slot].connection = connection
        counters.accepted.bump()
        return connection
    }

    func unregister(_ connection: Connection) {
        guard slots[connection.slot].connection === connection else { return }
        connection.didClose()
        slots[connection.slot].connection = nil
        // A token of the old connection must not reach the next one in this slot.
        slots[connection.slot].generation &+= 1
        freeSlots.append(connection.slot)
        finishDrainIfEmpty()
    }

    // MARK: Stop

    /// Starts the graceful stop; the future completes when no connection is left, and no decision
    /// about a WebSocket or service of one, or just after `deadline`, when the connections that
    /// remain are closed by force.
    func drain(until deadline: NIODeadline) -> EventLoopFuture<Void> {
        if let drained { return drained.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        isDraining = true
        for slot in slots { slot.connection?.drain() }
        let force = eventLoop.scheduleTask(deadline: deadline) {
            for slot in self.slots { slot.connection?.closeNow() }
            promise.succeed()
        }
        promise.futureResult.whenComplete { _ in
            // The event loop takes hops for as long as this callback runs: only later can it close.
            self.isStopped.withLock { isStopped in isStopped = true }
            force.cancel()
            self.sweep?.cancel()
        }
        finishDrainIfEmpty()
        return promise.futureResult
    }

    private func finishDrainIfEmpty() {
        guard isDraining, freeSlots.count == slots.count, servicesRunning == 0 else { return }
        drained?.succeed()
    }

    /// A decision about a WebSocket, or its service, runs from here on. On the loop.
    func serviceBegan() { servicesRunning += 1 }

    /// From any thread. One that outlives the deadline of a stop is not waited for.
    func serviceEnded() {
        execute {
            self.servicesRunning -= 1
            self.finishDrainIfEmpty()
        }
    }

    // MARK: Time

    private func startSweep() {
        guard sweep == nil else { return }
        headers.refreshDate()
        sweep = eventLoop.scheduleRepeatedTask(initialDelay: limits.sweep, delay: limits.sweep) {
            [weak self] _ in self?.checkDeadlines()
        }
    }

    private func checkDeadlines() {
        let now = NIODeadline.now()
        headers.refreshDate()
        for index in slots.indices { slots[index].connection?.checkDeadlines(now) }
        finishResponses()
    }

    // MARK: Request buffers

    func takeBuffer() -> RequestBuffer {
        pool.popLast() ?? RequestBuffer()
    }

    func recycle(_ buffer: RequestBuffer) {
        releaseBody(buffer.body.count)
        guard pool.count < Self.pooledBuffersMax else { return }
        buffer.reset()
        pool.append(buffer)
    }

    /// Reserves memory for body bytes of a request that is still incomplete; false when this
    /// loop's share of the server's budget is used up. Given back by `recycle`.
    func reserveBody(_ count: Int) -> Bool {
        let used = counters.incompleteBodyBytes.load(ordering: .relaxed) + count
        let share = configuration.incompleteBodyBytesMaxTotal / configuration.eventLoopThreads
        guard used <= max(share, configuration.bodyBytesMax) else { return false }
        counters.incompleteBodyBytes.store(used, ordering: .relaxed)
        return true
    }

    private func releaseBody(_ count: Int) {
        if count > 0 { counters.incompleteBodyBytes.bump(-count) }
    }
}
