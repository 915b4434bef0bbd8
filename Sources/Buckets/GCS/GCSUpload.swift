import Foundation
import Synchronization

/// A resumable upload (https://cloud.google.com/storage/docs/performing-resumable-uploads). After an
/// answer that was lost the store is asked how much it has, and gets the rest. What fits into one
/// part is put whole in the end.
final class GCSUpload: BucketUpload {
    /// How often one part may be taken up again.
    private static let resumptionsMax = 5

    private let bucket: GCSBucket
    private let name: ObjectName
    private let contentType: String
    /// One task uses an upload; the lock is for the compiler, and is never held while sending.
    private let state = Mutex(State())

    private struct State {
        /// Path and query of the session.
        var session: String?
        /// Bytes that the store has said it has; a multiple of 256 KiB until the end.
        var stored = 0
        /// What was given to us behind `stored`.
        var pending: [UInt8] = []
    }

    init(_ bucket: GCSBucket, _ name: ObjectName, contentType: String) {
        self.bucket = bucket
        self.name = name
        self.contentType = contentType
    }

    func append(_ part: [UInt8]) async throws(BucketError) {
        if state.withLock({ $0.session }) == nil { try await begin() }
        state.withLock { $0.pending += part }
        _ = try await sendPending(total: nil)
    }

    func finish(_ rest: [UInt8]) async throws(BucketError) {
        guard state.withLock({ $0.session }) != nil else {
            return try await bucket.put(name, rest, contentType: contentType)
        }
        let total = state.withLock { state in
            state.pending += rest
            return state.stored + state.pending.count
        }
        guard try await sendPending(total: total) else {
            throw .unexpected(status: 308, code: "Unfinished")
        }
    }

    func abort() async {
        guard let session = state.withLock({ $0.session }) else { return }
        // In a task of its own, which is waited for: requests of a cancelled task are not sent. A
        // session that is not taken back ends by itself after a week.
        let taking = Task { [bucket] in
            _ = try? await bucket.send { () throws(BucketError) in
                ExchangeRequest(method: "DELETE", target: session)
            }
        }
        await taking.value
        state.withLock { $0 = State() }
    }

    private func begin() async throws(BucketError) {
        let target = bucket.uploadTarget(name, "resumable")
        let contentType = contentType
        let reply = try await bucket.send { () throws(BucketError) in
            ExchangeRequest(
                method: "POST", target: target,
                headers: [
                    ("content-type", "application/json; charset=UTF-8"),
                    ("x-upload-content-type", contentType),
                ], body: Array("{}".utf8))
        }
        guard (200...201).contains(reply.status) else { throw bucket.creationFailure(reply) }
        guard let location = reply.header("location") else {
            throw .unexpected(status: reply.status, code: "NoLocation")
        }
        let session = try Self.target(of: location, at: bucket.exchange.endpoint)
        state.withLock { $0.session = session }
    }

    /// Path and query of an address at the same server: an answer must not lead us elsewhere.
    private static func target(
        of location: String, at endpoint: Endpoint
    ) throws(BucketError) -> String {
        let origin = endpoint.origin
        // The port may be written out although it is the scheme's own.
        let port = endpoint.isSecure ? ":443" : ":80"
        for prefix in [origin, origin + port] where location.hasPrefix(prefix + "/") {
            let target = location.dropFirst(prefix.count)
            guard target.utf8.count <= 4_096,
                target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
            else { break }
            return String(target)
        }
        throw .endpointRefused("it sends an upload to another place")
    }

    /// Sends what is pending, as often as it takes.
    /// - Parameter total: the size of the object if this is its end.
    /// - Returns: whether the object is complete.
    private func sendPending(total: Int?) async throws(BucketError) -> Bool {
        var failure: BucketError?
        var mustAsk = false
        for _ in 0...Self.resumptionsMax {
            let (session, stored, pending) = state.withLock {
                ($0.session ?? "", $0.stored, $0.pending)
            }
            let range: String
            if mustAsk || (pending.isEmpty && total != nil) {
                range = "bytes */\(total.map(String.init) ?? "*")"
            } else if pending.isEmpty {
                return false
            } else {
                let last = stored + pending.count - 1
                range = "bytes \(stored)-\(last)/\(total.map(String.init) ?? "*")"
            }
            let body = mustAsk ? [] : pending
            do throws(BucketError) {
                let reply = try await bucket.send(once: true) { () throws(BucketError) in
                    ExchangeRequest(
                        method: "PUT", target: session, headers: [("content-range", range)],
                        body: body)
                }
                switch reply.status {
                case 200, 201: return true
                case 308:
                    mustAsk = false
                    try take(reply)
                    if total == nil, state.withLock({ $0.pending.isEmpty }) { return false }
                    continue
                case 408, 429, 500...599: failure = bucket.creationFailure(reply)
                case 404, 410:
                    // The session is over: whoever made the upload begins it anew.
                    throw BucketError.unavailable(status: reply.status, code: "SessionGone")
                default: throw bucket.creationFailure(reply)
                }
            } catch {
                guard case .unreachable = error else { throw error }
                failure = error
            }
            mustAsk = true
            try await bucket.exchange.waitBeforeRetry()
        }
        throw failure ?? .unexpected(status: 308, code: "NoProgress")
    }

    /// Forgets what the store has.
    private func take(_ reply: ExchangeReply) throws(BucketError) {
        var stored = 0
        if let range = reply.header("range") {
            // bytes=0-N
            guard range.hasPrefix("bytes=0-"), let last = Int(range.dropFirst(8)), last >= 0 else {
                throw .unexpected(status: 308, code: "Range")
            }
            stored = last + 1
        }
        let isSound = state.withLock { state -> Bool in
            // What it once had it cannot have lost, nor have what it was not sent.
            guard stored >= state.stored, stored <= state.stored + state.pending.count else {
                return false
            }
            state.pending.removeFirst(stored - state.stored)
            state.stored = stored
            return true
        }
        guard isSound else { throw .unexpected(status: 308, code: "Range") }
    }
}
