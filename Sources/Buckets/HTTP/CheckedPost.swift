/// One request to a web address under the rules for buckets: the host is looked up once, every
/// address that it has is checked against the policy, the connection goes to the address that was
/// checked, and redirects are refused.
package struct CheckedPost: Sendable {
    /// What came back, whatever its status. At most 1 MiB of body.
    package struct Reply: Sendable {
        package let status: Int
        /// Without parameters, in lower case; nil: there is none.
        package let mediaType: String?
        package let body: [UInt8]

        package init(status: Int, mediaType: String?, body: [UInt8]) {
            self.status = status
            self.mediaType = mediaType
            self.body = body
        }
    }

    private let endpoint: Endpoint
    private let path: String
    private let policy: BucketPolicy

    /// - Parameters:
    ///   - address: `https://HOST[:PORT][/PATH]`, or `http://…` where the policy has it; the path
    ///     holds letters, digits and `-._~/` alone.
    ///   - suffix: is appended to the path, after one slash.
    /// - Throws: `invalid` naming the pointer, `endpointRefused` for what the policy does not allow.
    package init(
        to address: String, suffix: String, pointer: String, policy: BucketPolicy
    ) throws(BucketError) {
        let schemeEnd = address.firstRange(of: "://")?.upperBound ?? address.startIndex
        let pathStart = address[schemeEnd...].firstIndex(of: "/") ?? address.endIndex
        endpoint = try Endpoint(
            parsing: String(address[..<pathStart]), pointer: pointer, policy: policy)
        var path = String(address[pathStart...])
        while path.hasSuffix("/") { path.removeLast() }
        guard path.utf8.count <= 500, URIText.encoded(path, keepsSlashes: true) == path else {
            throw .invalid(pointer: pointer, expected: "a path of letters, digits and -._~/")
        }
        self.path = "\(path)/\(suffix)"
        self.policy = policy
    }

    /// Sends the body, a single time.
    /// - Throws: `endpointRefused`, `unreachable`, `unexpected`, `cancelled`.
    package func send(
        _ body: [UInt8], contentType: String
    ) async throws(BucketError) -> Reply {
        let exchange = try await HTTPExchange.open(endpoint, policy: policy)
        let request = ExchangeRequest(
            method: "POST", target: path, headers: [("content-type", contentType)], body: body)
        do throws(BucketError) {
            let reply = try await exchange.sendOnce(request)
            await exchange.close()
            let mediaType = reply.header("content-type").map { type in
                type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            }
            return Reply(status: reply.status, mediaType: mediaType, body: reply.body)
        } catch {
            await exchange.close()
            throw error
        }
    }
}
