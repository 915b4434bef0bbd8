import Contracts
import HTTP
import Ingest
import NIOCore
import Store

/// `POST /event` and `POST /events` on one event loop: token, lane, answer.
///
/// Steady state per event: one comparison with the token cache, `IngestLane.receive`, and later one
/// `respond`; no task, no string, no lock. Everything that one tick received is handed to the store
/// at its end; everything that one commit made durable is answered in one `execute`.
///
/// `@unchecked Sendable`: all its state is touched on its loop only; `didCommit`, which any thread
/// may call, only hops there. For the same reason `@exclusivity(unchecked)`: no property is read or
/// written while a mutating call on it runs.
final class LoopIngest: CommitSink, @unchecked Sendable {
    private let loop: HTTPLoop
    private let authority: Authority
    private let clock: @Sendable () -> Milliseconds
    @exclusivity(unchecked) private var lane: IngestLane?
    @exclusivity(unchecked) private var tokens = TokenCache()
    @exclusivity(unchecked) private var batches = BatchTrackers()
    @exclusivity(unchecked) private var isFlushScheduled = false

    init(
        loop: HTTPLoop, ingest: Ingest, authority: Authority,
        clock: @escaping @Sendable () -> Milliseconds
    ) {
        self.loop = loop
        self.authority = authority
        self.clock = clock
        lane = IngestLane(ingest, sink: self)
    }

    /// Lane and sink hold each other; after the HTTP server has stopped nobody needs either.
    func stop() {
        lane = nil
    }

    /// On the loop.
    /// - Parameter query: what follows the path, beginning with "?"; empty for nearly all requests.
    func receive(
        _ request: borrowing HTTPRequestView, _ response: ResponseToken, isBatch: Bool,
        query: UnsafeRawBufferPointer
    ) {
        guard query.isEmpty else { return receive(request, response, isBatch, asked: query) }
        take(request, response, isBatch)
    }

    private func take(
        _ request: borrowing HTTPRequestView, _ response: ResponseToken, _ isBatch: Bool
    ) {
        #if DEBUG
            DeliberateLeak.take(request.body)
        #endif
        let now = clock()
        let sending: Sending
        do throws(Problem) {
            sending = try admit(request, isBatch, now)
        } catch {
            return refuse(response, error)
        }
        if isBatch { return receiveBatch(request.body, sending, response, now) }
        let outcome = sending.lane.receive(
            request.body, format: sending.format, schemaRef: sending.schemaRef,
            stream: sending.target,
            token: CommitToken(first: response.first, second: response.second), now: now)
        switch outcome {
        case .queued: scheduleFlush()
        case .refused(let refusal): refuse(response, Problem(refusal))
        case .overloaded(let seconds): refuse(response, .overloaded(retryAfterSeconds: seconds))
        case .unavailable: refuse(response, .unavailable("The server takes no events now."))
        }
    }

    /// The principal of a token, from this loop's cache if it was seen before. On the loop.
    func principal(_ authorization: UnsafeRawBufferPointer?, now: Milliseconds) -> Principal? {
        guard let authorization, let token = Authority.bearer(authorization) else { return nil }
        let version = authority.catalog.accessVersion
        if let principal = tokens.find(token, now: now, version: version) { return principal }
        guard let verified = authority.principal(of: token, now: now) else { return nil }
        tokens.insert(
            token, principal: verified.principal, expiresAt: verified.expiresAtSeconds * 1_000,
            version: version)
        return verified.principal
    }

    /// On the commit thread, the slow lane's or the loop itself.
    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        loop.execute { self.complete(chunks, outcome) }
    }

    private func complete(_ chunks: [EventChunk], _ outcome: CommitOutcome) {
        var failure: StoreError?
        if case .failed(let error) = outcome { failure = error }
        for chunk in chunks {
            for index in 0..<chunk.count { settle(chunk.token(at: index), failure) }
            lane?.recycle(chunk)
        }
        loop.finishResponses()
    }

    private func settle(_ token: CommitToken, _ failure: StoreError?) {
        if BatchTrackers.isBatch(token) {
            if let done = batches.settle(token, failure: failure) {
                loop.respond(done.response, done.answer)
            }
            return
        }
        let response = ResponseToken(first: token.first, second: token.second)
        if let failure {
            loop.respond(response, Problem(failure).response)
        } else {
            loop.respond(response, status: 204)
        }
    }

    private func receiveBatch(
        _ body: UnsafeRawBufferPointer, _ sending: Sending, _ response: ResponseToken,
        _ now: Milliseconds
    ) {
        let token = batches.open(for: response)
        let receipt = sending.lane.receiveBatch(
            body, schemaRef: sending.schemaRef, stream: sending.target, token: token, now: now)
        if receipt.queued > 0 { scheduleFlush() }
        if let done = batches.received(token, receipt) {
            loop.respond(done.response, done.answer)
        }
    }

    /// The first event of a tick arranges the hand-over at its end: what arrived together is
    /// committed together.
    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.eventLoop.execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard let lane else { return }
        if case .refused(let refused, let error) = lane.flush() {
            for token in refused { settle(token, error) }
            loop.finishResponses()
        }
    }

    private func refuse(_ response: ResponseToken, _ problem: Problem) {
        loop.respond(response, problem.response)
    }
}

// MARK: - Who may send, and what

extension LoopIngest {
    /// A request that may send: by whom, in which form.
    struct Sending {
        let lane: IngestLane
        let target: StreamTarget
        let format: EventDecoder.Format
        let schemaRef: UnsafeRawBufferPointer?
    }

    @inline(__always)
    func admit(
        _ request: borrowing HTTPRequestView, _ isBatch: Bool, _ now: Milliseconds
    ) throws(Problem) -> Sending {
        guard let lane else { throw .unavailable("The server is stopping.") }
        guard let principal = principal(request.authorization, now: now) else {
            throw .unauthorized
        }
        guard let target = principal.sendTarget else { throw Self.mayNotSend(principal) }
        guard let format = Self.format(request.serializationType) else {
            throw .unsupportedMediaType(["application/json", "application/x-avro-binary"])
        }
        guard !isBatch || format != .avroBinary else {
            throw .unsupportedMediaType(["application/json"])
        }
        var schemaRef = request.schemaRef
        if schemaRef == nil { schemaRef = request.schemaId }
        return Sending(lane: lane, target: target, format: format, schemaRef: schemaRef)
    }

    /// A request with a query: a dry run, or one that says that it is none.
    private func receive(
        _ request: borrowing HTTPRequestView, _ response: ResponseToken, _ isBatch: Bool,
        asked query: UnsafeRawBufferPointer
    ) {
        let isDryRun: Bool
        do throws(Problem) {
            let text = String(decoding: query.dropFirst(), as: UTF8.self)
            isDryRun = try QueryParameters(text, allowed: ["dryRun"]).flag("dryRun") ?? false
        } catch {
            // A bad token is told first, as for every route.
            let isKnown = principal(request.authorization, now: clock()) != nil
            return refuse(response, isKnown ? error : .unauthorized)
        }
        guard isDryRun else { return take(request, response, isBatch) }
        var answer: HTTPResponse
        do throws(Problem) {
            answer = try dryRun(try admit(request, isBatch, clock()), request.body, isBatch)
        } catch {
            answer = error.response
        }
        answer.headers.append(("strm-dry-run", "true"))
        loop.respond(response, answer)
    }

    /// What the real request would be answered if there is room for it: nothing is stored, counted
    /// or recorded, and no key is made.
    private func dryRun(
        _ sending: Sending, _ body: UnsafeRawBufferPointer, _ isBatch: Bool
    ) throws(Problem) -> HTTPResponse {
        guard isBatch else {
            let refusal = sending.lane.check(
                body, format: sending.format, schemaRef: sending.schemaRef)
            if let refusal { throw Problem(refusal) }
            return Answer.noContent
        }
        let receipt = sending.lane.checkBatch(body, schemaRef: sending.schemaRef)
        var batch = BatchTrackers.Batch(response: ResponseToken(first: 0, second: 0))
        batch.durable = receipt.queued
        batch.receipt = receipt
        return batch.answer
    }

    private static func mayNotSend(_ principal: Principal) -> Problem {
        .forbidden(
            "Sending events needs the role sender or streamOwner of a stream; "
                + "this client's role is \(principal.role.rawValue).")
    }

    /// nil: a form that no schema has.
    private static func format(_ header: UnsafeRawBufferPointer?) -> EventDecoder.Format? {
        guard let header else { return .detect }
        if header.matchesIgnoringCase("application/json") { return .json }
        if header.matchesIgnoringCase("application/x-avro-binary") { return .avroBinary }
        return nil
    }
}
