/// Where the requests for a bucket go, and what the store calls what they do.
struct S3Place: Sendable {
    /// Whose words are used to say which permission is missing.
    enum Dialect: Sendable {
        /// `partition` is `aws`, or that of China or of the government.
        case amazon(partition: String)
        case google
    }

    let title: String
    let bucket: String
    let region: String
    /// With the bucket in its host if it does not belong in the path.
    let endpoint: Endpoint
    let usesPathStyle: Bool
    let dialect: Dialect

    /// Places in S3 and in stores that speak its protocol.
    /// - Throws: `invalid` or `endpointRefused`, also for an address that may not be used.
    init(_ location: S3Location, policy: BucketPolicy) throws(BucketError) {
        let base = try Endpoint(
            parsing: location.endpoint ?? Self.amazonEndpoint("s3", location.region),
            pointer: location.endpoint == nil ? "/region" : "/endpoint", policy: policy)
        if let literal = base.literalAddress { try AddressRule.check([literal], policy: policy) }
        title = "s3://\(location.bucket)"
        bucket = location.bucket
        region = location.region
        dialect = .amazon(partition: Self.partition(location.region))
        // No wildcard certificate is good for two labels, so dots move the name to the path.
        usesPathStyle = location.usesPathStyle || (base.isSecure && location.bucket.contains("."))
        if usesPathStyle {
            endpoint = base
        } else if let below = base.below(location.bucket) {
            endpoint = below
        } else {
            throw .invalid(pointer: "/pathStyle", expected: "true, for an endpoint of this kind")
        }
    }

    /// Google Cloud's interface for HMAC keys.
    init(google location: GCSLocation, policy: BucketPolicy) throws(BucketError) {
        guard S3Rules.isGoogleBucketName(location.bucket) else {
            throw .invalid(
                pointer: "/bucket", expected: "3 to 222 of a-z, 0-9, ., _ and -, as GCS has them")
        }
        endpoint = try Endpoint(
            parsing: location.endpoint ?? "https://storage.googleapis.com", pointer: "/endpoint",
            policy: policy)
        if let literal = endpoint.literalAddress {
            try AddressRule.check([literal], policy: policy)
        }
        title = "gs://\(location.bucket)"
        bucket = location.bucket
        region = "auto"
        usesPathStyle = true
        dialect = .google
    }

    /// Amazon's own endpoint of a service.
    static func amazonEndpoint(_ service: String, _ region: String) -> String {
        "https://\(service).\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
    }

    /// Path and query of a request; without a name it is about the bucket itself.
    func target(_ name: ObjectName?, _ query: [(String, String?)] = []) -> String {
        var target = usesPathStyle ? "/\(bucket)" : ""
        if let name { target += "/\(name.percentEncoded)" }
        if target.isEmpty { target = "/" }
        let pairs = query.map { name, value in
            value.map { "\(name)=\(URIText.encoded($0))" } ?? name
        }
        return pairs.isEmpty ? target : "\(target)?\(pairs.joined(separator: "&"))"
    }

    /// What is missing when an act is forbidden.
    func permission(for act: S3Act) -> String {
        switch dialect {
        case .amazon(let partition):
            "\(act.amazonName) on arn:\(partition):s3:::\(bucket)\(act.isOfBucket ? "" : "/*")"
        case .google:
            "\(act.googleName) on gs://\(bucket)"
        }
    }

    private static func partition(_ region: String) -> String {
        if region.hasPrefix("cn-") { return "aws-cn" }
        return region.hasPrefix("us-gov-") ? "aws-us-gov" : "aws"
    }
}

/// What a request does.
enum S3Act: Sendable {
    case put
    case delete
    case get
    case createUpload
    case uploadPart
    case completeUpload
    case abortUpload
    case listUploads

    var amazonName: String {
        switch self {
        case .put, .createUpload, .uploadPart, .completeUpload: "s3:PutObject"
        case .delete: "s3:DeleteObject"
        case .get: "s3:GetObject"
        case .abortUpload: "s3:AbortMultipartUpload"
        case .listUploads: "s3:ListBucketMultipartUploads"
        }
    }

    var googleName: String {
        switch self {
        case .put: "storage.objects.create and storage.objects.delete"
        case .createUpload, .uploadPart, .completeUpload:
            "storage.multipartUploads.create and storage.objects.create"
        case .delete: "storage.objects.delete"
        case .get: "storage.objects.get"
        case .abortUpload: "storage.multipartUploads.abort"
        case .listUploads: "storage.multipartUploads.list"
        }
    }

    var isOfBucket: Bool {
        switch self {
        case .listUploads: true
        case .put, .delete, .get, .createUpload, .uploadPart, .completeUpload, .abortUpload: false
        }
    }
}
