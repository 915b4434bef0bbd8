/// A bucket of S3, of a store that speaks its protocol, or of Google Cloud by its XML interface.
final class S3Bucket: Bucket {
    let place: S3Place
    private let signer: SigV4
    private let exchange: HTTPExchange
    private let clock: @Sendable () -> Int64

    var title: String { place.title }

    /// For places whose endpoint `exchange` talks to. `clock` gives milliseconds since 1970.
    init(
        place: S3Place, keys: AccessKeys, exchange: HTTPExchange,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.place = place
        self.signer = SigV4(keys: keys, region: place.region, service: "s3")
        self.exchange = exchange
        self.clock = clock
    }

    /// Opens a bucket, in a role if the location has one. Close it.
    static func open(
        _ location: S3Location, _ credentials: BucketCredentials, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> S3Bucket {
        var keys = try AccessKeys(credentials)
        try S3Rules.check(location, keys, policy: policy)
        if let role = location.role {
            keys = try await AssumeRole.keys(
                role, region: location.region, keys: keys, policy: policy, clock: clock)
        }
        return try await open(
            S3Place(location, policy: policy), keys, policy: policy, clock: clock)
    }

    static func open(
        _ place: S3Place, _ keys: AccessKeys, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> S3Bucket {
        let exchange = try await HTTPExchange.open(place.endpoint, policy: policy)
        return S3Bucket(place: place, keys: keys, exchange: exchange, clock: clock)
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
