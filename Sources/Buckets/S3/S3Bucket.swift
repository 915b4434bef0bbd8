import Synchronization

/// A bucket of S3, of a store that speaks its protocol, or of Google Cloud by its XML interface.
final class S3Bucket: Bucket {
    let place: S3Place
    private let current: Mutex<(signer: SigV4, endsAt: Int64)>
    /// Fetches other keys; nil: those that there are do not end.
    private let renew: Renewal?
    private let exchange: HTTPExchange
    private let clock: @Sendable () -> Int64

    var title: String { place.title }

    typealias Renewal = @Sendable () async throws(BucketError) -> AccessKeys

    /// For places whose endpoint `exchange` talks to. `clock` gives milliseconds since 1970; `renew`
    /// fetches keys that last for an hour, as `keys` then do.
    init(
        place: S3Place, keys: AccessKeys, exchange: HTTPExchange,
        clock: @escaping @Sendable () -> Int64, renew: Renewal? = nil
    ) {
        self.place = place
        self.renew = renew
        current = Mutex(
            (
                SigV4(keys: keys, region: place.region, service: "s3"),
                renew == nil ? .max : Self.end(clock())
            ))
        self.exchange = exchange
        self.clock = clock
    }

    /// Opens a bucket, in a role if the location has one. Close it.
    static func open(
        _ location: S3Location, _ credentials: BucketCredentials, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> S3Bucket {
        let own = try AccessKeys(credentials)
        try S3Rules.check(location, own, policy: policy)
        let place = try S3Place(location, policy: policy)
        guard let role = location.role else {
            return try await open(place, own, policy: policy, clock: clock)
        }
        let region = location.region
        let renew: Renewal = { () throws(BucketError) in
            try await AssumeRole.keys(
                role, region: region, keys: own, policy: policy, clock: clock)
        }
        return try await open(place, try await renew(), policy: policy, clock: clock, renew: renew)
    }

    static func open(
        _ place: S3Place, _ keys: AccessKeys, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64, renew: Renewal? = nil
    ) async throws(BucketError) -> S3Bucket {
        let exchange = try await HTTPExchange.open(place.endpoint, policy: policy)
        return S3Bucket(place: place, keys: keys, exchange: exchange, clock: clock, renew: renew)
    }

    /// Five minutes before the keys of a role end, at least one request before.
    private static func end(_ now: Int64) -> Int64 {
        now + Int64(AssumeRole.durationSeconds - 300) * 1_000
    }

    /// What signs now: a batch may take longer than the keys of a role last.
    private func signer() async throws(BucketError) -> SigV4 {
        let (signer, endsAt) = current.withLock { $0 }
        let now = clock()
        guard let renew, now >= endsAt else { return signer }
        let fresh = SigV4(keys: try await renew(), region: place.region, service: "s3")
        current.withLock { $0 = (fresh, Self.end(now)) }
        return fresh
    }

    func put(
        _ name: ObjectName, _ body: [UInt8], contentType: String
    ) async throws(BucketError) {
        let request = S3Request(
            .put, "PUT", name, headers: [("content-type", contentType)], body: body)
        let reply = try await send(request)
        guard reply.status == 200 else { throw failure(reply, request) }
    }

    func delete(_ name: ObjectName) async throws(BucketError) {
        let request = S3Request(.delete, "DELETE", name)
        let reply = try await send(request)
        if [200, 202, 204].contains(reply.status) { return }
        // Some stores say that there was nothing to delete.
        if reply.status == 404, S3Failure.code(reply) != "NoSuchBucket" { return }
        throw failure(reply, request)
    }

    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload {
        S3Upload(self, name, contentType: contentType)
    }

    func close() async {
        await exchange.close()
    }

    /// Signs and sends, with the tries of ``HTTPExchange/send(_:)``.
    func send(
        _ request: S3Request, onTry: @Sendable () -> Void = {},
        repeatingWhere mustRepeat: @Sendable (ExchangeReply) -> Bool = { _ in false }
    ) async throws(BucketError) -> ExchangeReply {
        let message = ExchangeRequest(
            method: request.method, target: place.target(request.name, request.query),
            headers: request.headers, body: request.body)
        let host = exchange.endpoint.hostHeader
        let signer = try await signer()
        return try await exchange.send(
            { () throws(BucketError) -> ExchangeRequest in
                onTry()
                return signer.signed(message, host: host, at: clock())
            }, repeatingWhere: mustRepeat)
    }

    func failure(_ reply: ExchangeReply, _ request: S3Request) -> BucketError {
        S3Failure.error(reply, missing: place.permission(for: request.act))
    }
}

/// A request before it is signed.
struct S3Request: Sendable {
    let act: S3Act
    let method: String
    /// Nil: it is about the bucket.
    let name: ObjectName?
    let query: [(String, String?)]
    let headers: [(String, String)]
    let body: [UInt8]

    init(
        _ act: S3Act, _ method: String, _ name: ObjectName?, query: [(String, String?)] = [],
        headers: [(String, String)] = [], body: [UInt8] = []
    ) {
        self.act = act
        self.method = method
        self.name = name
        self.query = query
        self.headers = headers
        self.body = body
    }
}

extension AccessKeys {
    init(_ credentials: BucketCredentials) throws(BucketError) {
        switch credentials {
        case .accessKey(let id, let secret, let sessionToken):
            self.init(id: id, secret: secret, sessionToken: sessionToken)
        case .serviceAccount, .none:
            throw .invalid(pointer: "/accessKeyId", expected: "an access key and its secret")
        }
    }
}
