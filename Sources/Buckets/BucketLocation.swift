/// Where a bucket is. Nothing in it is secret.
package enum BucketLocation: Sendable, Equatable, Codable {
    case s3(S3Location)
    case gcs(GCSLocation)
    case local(LocalLocation)
}

extension BucketLocation {
    /// Where objects with a path prefix lie, the same for all ways to say it: two that write there
    /// meet.
    package func place(prefix: String) -> String {
        let rest = prefix.isEmpty ? "" : "/" + prefix
        switch self {
        case .s3(let location):
            return "\(location.endpoint?.lowercased() ?? "s3")/\(location.bucket)\(rest)"
        case .gcs(let location):
            return "\(location.endpoint?.lowercased() ?? "gcs")/\(location.bucket)\(rest)"
        case .local(let location): return "local/\(location.path)\(rest)"
        }
    }
}

/// A bucket of Amazon S3 or of a store that speaks its protocol.
package struct S3Location: Sendable, Equatable, Codable {
    /// 3 to 63 of a-z 0-9 . - as S3 has them.
    package var bucket: String
    /// Such as `eu-central-1`; part of the signature.
    package var region: String
    /// `https://HOST[:PORT]` without path; nil: Amazon's own, by the region.
    package var endpoint: String?
    /// True: `https://HOST/BUCKET/OBJECT`; false: `https://BUCKET.HOST/OBJECT`.
    package var usesPathStyle: Bool
    /// A role to act as, by STS AssumeRole with the connector's own credentials.
    package var role: AssumedRole?

    package init(
        bucket: String, region: String, endpoint: String? = nil, usesPathStyle: Bool = false,
        role: AssumedRole? = nil
    ) {
        self.bucket = bucket
        self.region = region
        self.endpoint = endpoint
        self.usesPathStyle = usesPathStyle
        self.role = role
    }
}

/// A role of Amazon's IAM that the connector's own credentials may assume.
package struct AssumedRole: Sendable, Equatable, Codable {
    /// `arn:aws:iam::123456789012:role/NAME`
    package var arn: String
    package var externalID: String?
    /// `https://HOST[:PORT]`; nil: Amazon's own, by the region.
    package var stsEndpoint: String?

    package init(arn: String, externalID: String? = nil, stsEndpoint: String? = nil) {
        self.arn = arn
        self.externalID = externalID
        self.stsEndpoint = stsEndpoint
    }
}

/// A bucket of Google Cloud Storage. Service accounts use its JSON interface with resumable
/// uploads; HMAC keys its XML interface, which takes S3's requests.
package struct GCSLocation: Sendable, Equatable, Codable {
    package var bucket: String
    /// `https://HOST[:PORT]` without path; nil: `https://storage.googleapis.com`.
    package var endpoint: String?

    package init(bucket: String, endpoint: String? = nil) {
        self.bucket = bucket
        self.endpoint = endpoint
    }
}

/// A directory on the server's own machine, below the one that the operator has set.
package struct LocalLocation: Sendable, Equatable, Codable {
    /// Like an object's path prefix: `team/orders`.
    package var path: String

    package init(path: String) { self.path = path }
}

/// What proves to a store who we are. Secret: never printed, never shown again.
package enum BucketCredentials: Sendable, Equatable, Codable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    /// S3, or Google Cloud's HMAC keys.
    case accessKey(id: String, secret: String, sessionToken: String?)
    /// The JSON document that Google Cloud gives for a service account's key.
    case serviceAccount(json: String)
    /// A local directory needs none.
    case none

    package var description: String { "credentials" }
    package var debugDescription: String { "credentials" }
}

/// What the operator allows. The defaults are safe where anybody who administers connectors must
/// not reach the machine's own network.
package struct BucketPolicy: Sendable, Equatable {
    /// Endpoints of `http://`.
    package var allowsInsecureEndpoints: Bool
    /// Loopback, private, link-local and other addresses that are not of the public network.
    package var allowsPrivateAddresses: Bool
    /// Below it local directories are made; nil: there are none.
    package var localDirectory: String?
    /// Further certificates to trust, a PEM file; nil: the system's alone.
    package var certificateAuthorityFile: String?
    /// For one request, from its first byte to the last of its answer.
    package var requestSeconds: Int

    package init(
        allowsInsecureEndpoints: Bool = false, allowsPrivateAddresses: Bool = false,
        localDirectory: String? = nil, certificateAuthorityFile: String? = nil,
        requestSeconds: Int = 60
    ) {
        self.allowsInsecureEndpoints = allowsInsecureEndpoints
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.localDirectory = localDirectory
        self.certificateAuthorityFile = certificateAuthorityFile
        self.requestSeconds = requestSeconds
    }
}
