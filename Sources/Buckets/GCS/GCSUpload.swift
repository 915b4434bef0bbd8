import Synchronization

/// An object in parts, by a resumable upload. What fits into one part is put whole in the end.
///
/// The store says after each part how many bytes it has, which may be fewer than were sent; after
/// an answer that was lost it is asked. So it holds each byte once, whatever was repeated.
final class GCSUpload: BucketUpload {
    /// For one part. The store keeps multiples of 256 KiB, so a part may take 32 requests if each
    /// of them breaks off.
    static let requestsMax = 64

    private let bucket: GCSBucket
    private let name: ObjectName
    private let contentType: String
    /// One task uses an upload; the lock is for the compiler, and is never held while sending.
    private let state = Mutex(State())

    private struct State {
        /// Path and query of the upload: whoever knows them may write this object.
        var session: String?
        /// Bytes of parts that the store has whole.
        var count = 0
        /// Whether a part was sent whose answer is not known.
        var mustAsk = false
        var isFinished = false
    }

    /// What the store says about an upload.
    private enum Answer {
        /// The object is there.
        case finished
        /// It has so many bytes from the beginning on.
        case has(Int)
        /// It did not say, or did not take the part.
        case failed(BucketError)
    }

    init(_ bucket: GCSBucket, _ name: ObjectName, contentType: String) {
        self.bucket = bucket
        self.name = name
        self.contentType = contentType
    }

    func append(_ part: [UInt8]) async throws(BucketError) {
        let session = try await session()
        try await send(part, to: session, isLast: false)
    }

    func finish(_ rest: [UInt8]) async throws(BucketError) {
        if state.withLock({ $0.isFinished }) { return }
        if let session = state.withLock({ $0.session }) {
            try await send(rest, to: session, isLast: true)
        } else {
            try await bucket.put(name, rest, contentType: contentType)
        }
        state.withLock { $0 = State(isFinished: true) }
    }

    func abort() async {
        guard let session = state.withLock({ $0.session }) else { return }
        // In a task of its own, which is waited for: an upload is given up when the task that made
        // it was cancelled, and requests of a cancelled task are not sent.
        let taking = Task { [bucket] in
            // 499 is the success. What is left is forgotten by the store after a week.
            _ = try? await Deadline.run(seconds: BucketOpener.abortSecondsMax) {
                () throws(BucketError) in
                try await bucket.send(ExchangeRequest(method: "DELETE", target: session))
            }
        }
        await taking.value
        state.withLock { $0 = State() }
    }

    /// The upload's address, after it was begun if it was not. Of an answer that was lost an empty
    /// upload is left over, which costs nothing.
    private func session() async throws(BucketError) -> String {
        if let session = state.withLock({ $0.session }) { return session }
        let reply = try await bucket.send(
            ExchangeRequest(
                method: "POST", target: bucket.uploadTarget("resumable", name),
                headers: [("x-upload-content-type", contentType)]))
        guard [200, 201].contains(reply.status) else { throw bucket.failure(reply, .create) }
        let session = try target(of: reply)
        state.withLock { $0.session = session }
        return session
    }

    /// - Throws: `endpointRefused` if the upload is to go elsewhere: that place was not checked,
    ///   and would get the token.
    private func target(of reply: ExchangeReply) throws(BucketError) -> String {
        let address = try PageAddress(
            parsing: reply.header("location") ?? "",
            policy: BucketPolicy(allowsInsecureEndpoints: true),
            orThrow: .endpointRefused("it gives no address for an upload"))
        guard address.endpoint == bucket.endpoint else {
            throw .endpointRefused("it sends an upload to another place")
        }
        return address.target
    }

    /// Sends a part until the store has it, or the object if it is the last one. May be called
    /// again with the same part after it failed.
    private func send(
        _ part: [UInt8], to session: String, isLast: Bool
    ) async throws(BucketError) {
        let start = state.withLock { $0.count }
        let end = start + part.count
        let total = isLast ? end : nil
        var (place, requests, failures) = (start, 0, 0)
        var failure = BucketError.unavailable(status: 308, code: "NothingTaken")
        while failures < HTTPExchange.triesMax, requests < Self.requestsMax {
            let isQuestion = state.withLock { $0.mustAsk }
            let answer: Answer
            if isQuestion {
                answer = try await ask(session, total: total)
            } else {
                requests += 1
                answer = try await put(part[(place - start)...], at: place, session, total: total)
            }
            switch answer {
            case .finished:
                guard isLast else { throw .unexpected(status: 200, code: "EarlyEnd") }
                return
            case .has(let count):
                guard (start...end).contains(count) else {
                    throw .unavailable(status: 308, code: "OtherBytes")
                }
                if count > place { failures = 0 } else if !isQuestion { failures += 1 }
                place = count
                if place == end, !isLast { return state.withLock { $0.count = end } }
            case .failed(let error):
                failure = error
                failures += 1
            }
            if failures > 0, !isQuestion { try await pause() }
        }
        throw failure
    }

    /// Sends bytes of a part a single time. Without bytes it only says how many there are in all.
    private func put(
        _ bytes: ArraySlice<UInt8>, at place: Int, _ session: String, total: Int?
    ) async throws(BucketError) -> Answer {
        let range = bytes.isEmpty ? "*" : "\(place)-\(place + bytes.count - 1)"
        state.withLock { $0.mustAsk = true }
        let reply: ExchangeReply
        do throws(BucketError) {
            reply = try await bucket.send(
                ExchangeRequest(
                    method: "PUT", target: session,
                    headers: [("content-range", "bytes \(range)/\(Self.text(total))")],
                    body: Array(bytes)), isRepeatable: false)
        } catch {
            if case .unreachable = error { return .failed(error) }
            throw error
        }
        let answer = try read(reply)
        if case .failed = answer { return answer }
        state.withLock { $0.mustAsk = false }
        return answer
    }

    /// Asks how many bytes the store has.
    private func ask(_ session: String, total: Int?) async throws(BucketError) -> Answer {
        let reply = try await bucket.send(
            ExchangeRequest(
                method: "PUT", target: session,
                headers: [("content-range", "bytes */\(Self.text(total))")]))
        let answer = try read(reply)
        if case .failed(let error) = answer { throw error }
        state.withLock { $0.mustAsk = false }
        return answer
    }

    private func read(_ reply: ExchangeReply) throws(BucketError) -> Answer {
        switch reply.status {
        case 200, 201:
            return .finished
        case 308:
            // Without a range it has nothing.
            guard let range = reply.header("range") else { return .has(0) }
            guard let count = Self.count(of: range) else {
                throw .unexpected(status: 308, code: "UnreadableRange")
            }
            return .has(count)
        case 404, 410:
            // The upload is over or forgotten; another one may go well.
            throw .unavailable(status: reply.status, code: "UploadGone")
        default:
            let error = bucket.failure(reply, .create)
            guard case .unavailable = error else { throw error }
            return .failed(error)
        }
    }

    private func pause() async throws(BucketError) {
        do {
            try await bucket.pause(.random(in: 0...HTTPExchange.pauseMillisecondsMax))
        } catch {
            throw .cancelled
        }
    }

    private static func text(_ total: Int?) -> String { total.map(String.init) ?? "*" }

    /// Of `bytes=0-N`, which says N + 1.
    private static func count(of range: String) -> Int? {
        let digits = range.dropFirst("bytes=0-".count)
        guard range.hasPrefix("bytes=0-"), (1...18).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let last = Int(digits)
        else { return nil }
        return last + 1
    }
}
