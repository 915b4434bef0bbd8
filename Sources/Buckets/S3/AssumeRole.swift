/// STS AssumeRole: temporary keys of a role for the keys of a connector.
enum AssumeRole {
    static let sessionName = "stream-machine"
    /// What every role allows.
    static let durationSeconds = 3_600

    /// Fetches keys for an hour.
    /// - Throws: `forbidden` if the keys may not act in the role.
    static func keys(
        _ role: AssumedRole, region: String, keys: AccessKeys, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> AccessKeys {
        let endpoint = try endpoint(role, region: region, policy: policy)
        let exchange = try await HTTPExchange.open(endpoint, policy: policy)
        do throws(BucketError) {
            let result = try await fetch(
                role, region: region, keys: keys, exchange: exchange, clock: clock)
            await exchange.close()
            return result
        } catch {
            await exchange.close()
            throw error
        }
    }

    static func endpoint(
        _ role: AssumedRole, region: String, policy: BucketPolicy
    ) throws(BucketError) -> Endpoint {
        try Endpoint(
            parsing: role.stsEndpoint ?? S3Place.amazonEndpoint("sts", region),
            pointer: role.stsEndpoint == nil ? "/region" : "/stsEndpoint", policy: policy)
    }

    static func fetch(
        _ role: AssumedRole, region: String, keys: AccessKeys, exchange: HTTPExchange,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> AccessKeys {
        var form = [
            ("Action", "AssumeRole"), ("DurationSeconds", String(durationSeconds)),
            ("RoleArn", role.arn), ("RoleSessionName", sessionName), ("Version", "2011-06-15"),
        ]
        if let externalID = role.externalID { form.append(("ExternalId", externalID)) }
        let body = form.map { "\($0)=\(URIText.encoded($1))" }.joined(separator: "&")
        let signer = SigV4(keys: keys, region: region, service: "sts")
        let message = ExchangeRequest(
            method: "POST", target: "/",
            headers: [("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: Array(body.utf8))
        let host = exchange.endpoint.hostHeader
        let reply = try await exchange.send { () throws(BucketError) -> ExchangeRequest in
            signer.signed(message, host: host, at: clock())
        }
        guard reply.status == 200 else {
            throw S3Failure.error(reply, missing: "sts:AssumeRole on \(role.arn)")
        }
        let path = "AssumeRoleResult/Credentials"
        guard let answer = S3Answer(reply.body), let id = answer.text("\(path)/AccessKeyId"),
            let secret = answer.text("\(path)/SecretAccessKey"),
            let token = answer.text("\(path)/SessionToken")
        else { throw .unexpected(status: 200, code: "NoCredentials") }
        let temporary = AccessKeys(id: id, secret: secret, sessionToken: token)
        do throws(BucketError) {
            try S3Rules.check(temporary)
        } catch {
            throw .unexpected(status: 200, code: "NoCredentials")
        }
        return temporary
    }
}
