/// Requests to one endpoint, whose address was looked up and checked once. It follows no redirect,
/// uses no proxy and writes no log.
final class HTTPExchange: Sendable {
    /// One request, one answer, whatever its status.
    typealias Transport = @Sendable (ExchangeRequest) async throws(BucketError) -> ExchangeReply
    /// Waits; throws only if the task was cancelled.
    typealias Pause = @Sendable (_ milliseconds: Int64) async throws -> Void

    static let triesMax = 4
    static let pauseMillisecondsMin: Int64 = 100
    static let pauseMillisecondsMax: Int64 = 3_000
    /// Of an answer: it is an error, a list of uploads or a token.
    static let bodyBytesMax = 1 << 20

    let endpoint: Endpoint
    private let transport: Transport
    private let pause: Pause
    private let shutDown: @Sendable () async -> Void

    init(
        endpoint: Endpoint, transport: @escaping Transport,
        pause: @escaping Pause = HTTPExchange.sleep,
        shutDown: @escaping @Sendable () async -> Void = {}
    ) {
        self.endpoint = endpoint
        self.transport = transport
        self.pause = pause
        self.shutDown = shutDown
    }

    /// Looks the endpoint's name up, checks what it leads to and pins the first address. Close it.
    /// - Throws: `endpointRefused`, `unreachable`, `cancelled`.
    static func open(
        _ endpoint: Endpoint, policy: BucketPolicy
    ) async throws(BucketError) -> HTTPExchange {
        try await open(endpoint, policy: policy, resolver: NameResolver.system)
    }

    /// The same with another source of addresses.
    static func open(
        _ endpoint: Endpoint, policy: BucketPolicy, resolver: NameResolver
    ) async throws(BucketError) -> HTTPExchange {
        let address = try await resolver.pinnedAddress(of: endpoint, policy: policy)
        let client = try await PinnedClient.open(endpoint, address, policy: policy)
        return HTTPExchange(
            endpoint: endpoint,
            transport: { request throws(BucketError) in try await client.send(request) },
            shutDown: { await client.close() })
    }

    /// Sends a request, and again after failures that may pass, up to four times in all with
    /// growing random pauses. `make` is called for each try, since signatures carry the time.
    /// - Returns: the answer, also one that says no, and the last one if none was better.
    /// - Throws: `unreachable`, `endpointRefused` for a redirect, `cancelled`; what `make` throws.
    func send(
        _ make: @Sendable () throws(BucketError) -> ExchangeRequest
    ) async throws(BucketError) -> ExchangeReply {
        try await send(make) { _ in false }
    }

    /// The same; also an answer for which `mustRepeat` is true is no final one.
    func send(
        _ make: @Sendable () throws(BucketError) -> ExchangeRequest,
        repeatingWhere mustRepeat: @Sendable (ExchangeReply) -> Bool
    ) async throws(BucketError) -> ExchangeReply {
        var tries = 0
        while true {
            tries += 1
            do throws(BucketError) {
                let reply = try await sendOnce(try make())
                let isFinal = !Self.isTransient(reply.status) && !mustRepeat(reply)
                if isFinal || tries == Self.triesMax { return reply }
            } catch {
                guard case .unreachable = error, tries < Self.triesMax else { throw error }
            }
            try await wait(after: tries)
        }
    }

    /// Sends a request as it is, a single time. See ``send(_:)``.
    func sendOnce(_ request: ExchangeRequest) async throws(BucketError) -> ExchangeReply {
        if Task.isCancelled { throw .cancelled }
        let reply = try await transport(request)
        guard Self.isRedirect(reply) else { return reply }
        if let region = reply.header("x-amz-bucket-region"), S3Rules.isRegion(region) {
            throw .invalid(pointer: "/region", expected: "the bucket's region, \(region)")
        }
        throw .endpointRefused("it redirects")
    }

    /// Closes the connections. Nothing is sent after it.
    func close() async {
        await shutDown()
    }

    /// Google Cloud answers 308 without a place to go to when an upload is to go on.
    private static func isRedirect(_ reply: ExchangeReply) -> Bool {
        (300...399).contains(reply.status)
            && !(reply.status == 308 && reply.header("location") == nil)
    }

    private static func isTransient(_ status: Int) -> Bool {
        [408, 429, 500, 502, 503, 504].contains(status)
    }

    /// Anything from nothing to a limit that grows: clients that failed together do not come back
    /// together.
    private func wait(after tries: Int) async throws(BucketError) {
        var limit = Self.pauseMillisecondsMin
        for _ in 1..<tries { limit *= 5 }
        do {
            try await pause(.random(in: 0...min(limit, Self.pauseMillisecondsMax)))
        } catch {
            throw .cancelled
        }
    }

    static let sleep: Pause = { milliseconds in
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
}

/// A request with its body in memory.
struct ExchangeRequest: Sendable {
    var method: String
    /// Path and query, encoded.
    var target: String
    /// Without Host and Content-Length.
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// The Host header if it is not the endpoint's.
    var host: String? = nil
}

/// An answer with its whole body, at most ``HTTPExchange/bodyBytesMax``.
struct ExchangeReply: Sendable {
    var status: Int
    var headers: [(String, String)] = []
    var body: [UInt8] = []

    /// The first value of that name.
    func header(_ lowercasedName: String) -> String? {
        headers.first { $0.0.lowercased() == lowercasedName }?.1
    }
}
