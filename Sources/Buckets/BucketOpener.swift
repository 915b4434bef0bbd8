/// From a connector's settings to an open bucket.
package enum BucketOpener {
    /// Says everything that can be said without a network: names, regions, the spelling of
    /// endpoints, the characters of credentials, and whether these credentials fit that kind of
    /// bucket.
    /// - Throws: `invalid`, `endpointRefused`, `file`.
    package static func check(
        _ location: BucketLocation, _ credentials: BucketCredentials, policy: BucketPolicy
    ) throws(BucketError) {
        switch location {
        case .s3(let location):
            try S3Rules.check(location, try AccessKeys(credentials), policy: policy)
        case .gcs(let location):
            switch credentials {
            case .serviceAccount(let json):
                try GCSBucket.check(location, serviceAccount: json, policy: policy)
            case .accessKey, .none:
                _ = try S3Place(google: location, policy: policy)
                _ = try googleKeys(credentials)
            }
        case .local(let location):
            guard credentials == .none else {
                throw .invalid(pointer: "/accessKeyId", expected: "nothing for a local directory")
            }
            try LocalBucket.check(location, policy: policy)
        }
    }

    /// Opens a bucket for one batch: looks its host up, checks the address, and fetches a token or
    /// the keys of a role where there is one. Close it.
    /// - Parameter clock: milliseconds since 1970.
    /// - Throws: what `check` throws; `unreachable`, `credentialsRefused`, `forbidden` or
    ///   `cancelled`.
    package static func open(
        _ location: BucketLocation, _ credentials: BucketCredentials, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) -> any Bucket {
        switch location {
        case .s3(let location):
            return try await S3Bucket.open(location, credentials, policy: policy, clock: clock)
        case .gcs(let location):
            if case .serviceAccount(let json) = credentials {
                return try await GCSBucket.open(
                    location, serviceAccount: json, policy: policy, clock: clock)
            }
            return try await S3Bucket.open(
                S3Place(google: location, policy: policy), googleKeys(credentials),
                policy: policy, clock: clock)
        case .local(let location):
            return try await LocalBucket.open(location, policy: policy)
        }
    }

    /// Opens the bucket, puts a small object of a random name there and removes it again: whoever
    /// sets a connector up learns at once what is missing.
    /// - Throws: any error; an object `strm-probe-…` may be left if it could not be removed.
    package static func probe(
        _ location: BucketLocation, _ credentials: BucketCredentials, policy: BucketPolicy,
        clock: @escaping @Sendable () -> Int64
    ) async throws(BucketError) {
        try check(location, credentials, policy: policy)
        try await Deadline.run(seconds: probeSecondsMax) { () throws(BucketError) in
            let bucket = try await open(location, credentials, policy: policy, clock: clock)
            do throws(BucketError) {
                try await probe(bucket)
                await bucket.close()
            } catch {
                await bucket.close()
                throw error
            }
        }
    }

    /// Of a probe in all: somebody waits for it.
    static let probeSecondsMax = 90
    /// Of taking an upload back: the server may wait for it to stop.
    static let abortSecondsMax = 5

    /// Puts and removes the object in an open bucket.
    static func probe(_ bucket: any Bucket) async throws(BucketError) {
        let random = String(UInt64.random(in: 0 ... .max), radix: 16)
        let digits = String(repeating: "0", count: 16 - random.utf8.count) + random
        guard let name = ObjectName("strm-probe-\(digits)") else {
            preconditionFailure("the name of a probe is a name")
        }
        try await bucket.put(name, Array("probe\n".utf8), contentType: "text/plain")
        try await bucket.delete(name)
    }

    private static func googleKeys(
        _ credentials: BucketCredentials
    ) throws(BucketError) -> AccessKeys {
        let keys = try AccessKeys(credentials)
        guard keys.sessionToken == nil else {
            throw .invalid(pointer: "/sessionToken", expected: "nothing for Google Cloud's keys")
        }
        try S3Rules.check(keys)
        return keys
    }
}
