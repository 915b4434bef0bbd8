/// A bucket of Google Cloud Storage by its JSON interface, with the tokens of a service account.
final class GCSBucket: Bucket {
    private let place: S3Place
    private let exchange: HTTPExchange
    private let tokens: GCSTokens
    /// Between the tries of an upload.
    let pause: HTTPExchange.Pause

    var title: String { place.title }
    var endpoint: Endpoint { place.endpoint }

    /// For a bucket at the endpoint that `exchange` talks to.
    init(
        place: S3Place, exchange: HTTPExchange, tokens: GCSTokens,
        pause: @escaping HTTPExchange.Pause = HTTPExchange.sleep
    ) {
        self.place = place
        self.exchange = exchange
        self.tokens = tokens
        self.pause = pause
    }

    /// Says what can be said without a network.
    /// - Throws: `invalid`, `endpointRefused`.
    static func check(
        _ location: GCSLocation, serviceAccount json: String, policy: BucketPolicy
    ) throws(BucketError) {
        _ = try S3Place(google: location, policy: policy)
        _ = try ServiceAccount(parsing: json, policy: policy)
    }

    /// Looks the endpoint up and fetches a first token. Close it.
    /// - Parameter clock: milliseconds since 1970.
    /// - Throws: what `check` throws; `credentialsRefused`, `unreachable`, `unavailable`,
    ///   `unexpected`, `cancelled`.
    static func open(
        _ location: GCSLocation, serviceAccount json: String, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> GCSBucket {
        let place = try S3Place(google: location, policy: policy)
        let account = try ServiceAccount(parsing: json, policy: policy)
        let tokenEndpoint = account.tokenAddress.endpoint
        let tokens = GCSTokens(account, clock: clock) { () async throws(BucketError) in
            try await HTTPExchange.open(tokenEndpoint, policy: policy)
        }
        _ = try await tokens.token()
        let exchange = try await HTTPExchange.open(place.endpoint, policy: policy)
        return GCSBucket(place: place, exchange: exchange, tokens: tokens)
    }

    func put(
        _ name: ObjectName, _ body: [UInt8], contentType: String
    ) async throws(BucketError) {
        let reply = try await send(
            ExchangeRequest(
                method: "POST", target: uploadTarget("media", name),
                headers: [("content-type", contentType)], body: body))
        guard reply.status == 200 else { throw failure(reply, .create) }
    }

    func delete(_ name: ObjectName) async throws(BucketError) {
        // The name is one segment of the path, with its slashes encoded.
        let target = "/storage/v1/b/\(place.bucket)/o/\(URIText.encoded(name.text))"
        let reply = try await send(ExchangeRequest(method: "DELETE", target: target))
        guard [200, 204, 404].contains(reply.status) else { throw failure(reply, .delete) }
    }

    /// Nothing can be taken back of what a killed process left: the store lists no unfinished
    /// uploads of this kind, and forgets them after a week.
    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload {
        GCSUpload(self, name, contentType: contentType)
    }

    func close() async {
        await exchange.close()
    }

    /// Where an upload of a kind begins: `media` or `resumable`.
    func uploadTarget(_ kind: String, _ name: ObjectName) -> String {
        "/upload/storage/v1/b/\(place.bucket)/o?uploadType=\(kind)"
            + "&name=\(URIText.encoded(name.text))"
    }

    /// Sends with a token, and once more with another one if that is not accepted.
    /// - Parameter isRepeatable: with the tries of ``HTTPExchange/send(_:)``; else a single time.
    /// - Returns: any answer but 401.
    func send(
        _ request: ExchangeRequest, isRepeatable: Bool = true
    ) async throws(BucketError) -> ExchangeReply {
        let token = try await tokens.token()
        let reply = try await send(request, token, isRepeatable: isRepeatable)
        guard reply.status == 401 else { return reply }
        let other = try await tokens.token(otherThan: token)
        let second = try await send(request, other, isRepeatable: isRepeatable)
        guard second.status != 401 else {
            throw .credentialsRefused(code: GCSFailure.code(second))
        }
        return second
    }

    private func send(
        _ request: ExchangeRequest, _ token: String, isRepeatable: Bool
    ) async throws(BucketError) -> ExchangeReply {
        var message = request
        message.headers.append(("authorization", "Bearer \(token)"))
        guard isRepeatable else { return try await exchange.sendOnce(message) }
        let repeated = message
        return try await exchange.send { () throws(BucketError) -> ExchangeRequest in repeated }
    }

    /// What a request does to an object.
    enum Act: String {
        case create
        case delete
    }

    func failure(_ reply: ExchangeReply, _ act: Act) -> BucketError {
        GCSFailure.error(reply, missing: "storage.objects.\(act.rawValue)", on: title)
    }
}
