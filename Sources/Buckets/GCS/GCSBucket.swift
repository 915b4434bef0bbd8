/// A bucket of Google Cloud Storage by its JSON interface
/// (https://cloud.google.com/storage/docs/json_api), as a service account.
final class GCSBucket: Bucket {
    private let name: String
    let exchange: HTTPExchange
    private let tokens: GCSTokens

    init(name: String, exchange: HTTPExchange, tokens: GCSTokens) {
        self.name = name
        self.exchange = exchange
        self.tokens = tokens
    }

    var title: String { "gs://\(name)" }

    /// - Throws: `invalid`, `endpointRefused`: what can be said without a network.
    static func check(
        _ location: GCSLocation, serviceAccount json: String, policy: BucketPolicy
    ) throws(BucketError) {
        guard isBucketName(location.bucket) else {
            throw .invalid(
                pointer: "/bucket",
                expected: "3 to 63 of a-z 0-9 - _ . (222 with dots), as Google Cloud has them")
        }
        _ = try endpoint(location, policy)
        _ = try ServiceAccount(json: json, policy: policy)
    }

    /// - Throws: what `check` throws, `unreachable`, `endpointRefused`, `cancelled`.
    static func open(
        _ location: GCSLocation, serviceAccount json: String, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> GCSBucket {
        try check(location, serviceAccount: json, policy: policy)
        let account = try ServiceAccount(json: json, policy: policy)
        let exchange = try await HTTPExchange.open(
            try endpoint(location, policy), policy: policy)
        do throws(BucketError) {
            let tokenExchange = try await HTTPExchange.open(account.tokenEndpoint, policy: policy)
            return GCSBucket(
                name: location.bucket, exchange: exchange,
                tokens: GCSTokens(account, exchange: tokenExchange, clock: clock))
        } catch {
            await exchange.close()
            throw error
        }
    }

    func put(_ name: ObjectName, _ body: [UInt8], contentType: String) async throws(BucketError) {
        let target = uploadTarget(name, "media")
        let reply = try await send { () throws(BucketError) in
            ExchangeRequest(
                method: "POST", target: target, headers: [("content-type", contentType)],
                body: body)
        }
        guard reply.status == 200 else { throw creationFailure(reply) }
    }

    func delete(_ name: ObjectName) async throws(BucketError) {
        let target = "/storage/v1/b/\(self.name)/o/\(URIText.encoded(name.text))"
        let reply = try await send { () throws(BucketError) in
            ExchangeRequest(method: "DELETE", target: target)
        }
        guard (200...299).contains(reply.status) || reply.status == 404 else {
            throw GCSFailure.error(reply, missing: "storage.objects.delete on \(self.name)")
        }
    }

    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload {
        GCSUpload(self, name, contentType: contentType)
    }

    func close() async {
        await exchange.close()
        await tokens.close()
    }

    func uploadTarget(_ name: ObjectName, _ type: String) -> String {
        "/upload/storage/v1/b/\(self.name)/o?uploadType=\(type)&name=\(URIText.encoded(name.text))"
    }

    func creationFailure(_ reply: ExchangeReply) -> BucketError {
        // An object is created over one that is there only by whoever may delete it.
        GCSFailure.error(reply, missing: "storage.objects.create on \(name)")
    }

    /// Sends with a token; once more with another one if the store does not take the first.
    /// - Parameter once: whether failures that may pass are left to the caller.
    func send(
        once: Bool = false, _ make: @Sendable () throws(BucketError) -> ExchangeRequest
    ) async throws(BucketError) -> ExchangeReply {
        let token = try await tokens.token()
        let reply = try await send(once, token, make)
        guard reply.status == 401 else { return reply }
        tokens.forget(token)
        return try await send(once, try await tokens.token(), make)
    }

    private func send(
        _ once: Bool, _ token: String,
        _ make: @Sendable () throws(BucketError) -> ExchangeRequest
    ) async throws(BucketError) -> ExchangeReply {
        if once { return try await exchange.sendOnce(Self.authorized(try make(), token)) }
        return try await exchange.send { () throws(BucketError) in
            Self.authorized(try make(), token)
        }
    }

    private static func authorized(_ request: ExchangeRequest, _ token: String) -> ExchangeRequest {
        var request = request
        request.headers.append(("authorization", "Bearer \(token)"))
        return request
    }

    private static func endpoint(
        _ location: GCSLocation, _ policy: BucketPolicy
    ) throws(BucketError) -> Endpoint {
        try Endpoint(
            parsing: location.endpoint ?? "https://storage.googleapis.com", pointer: "/endpoint",
            policy: policy)
    }

    /// https://cloud.google.com/storage/docs/buckets#naming
    private static func isBucketName(_ name: String) -> Bool {
        let bytes = name.utf8
        func isAlphanumeric(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        }
        return (3...(name.contains(".") ? 222 : 63)).contains(bytes.count)
            && isAlphanumeric(bytes.first) && isAlphanumeric(bytes.last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
            && name.split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy { (1...63).contains($0.utf8.count) }
    }
}
