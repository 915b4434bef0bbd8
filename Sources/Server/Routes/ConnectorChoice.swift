import Buckets
import Export

/// A connector as its maker describes it.
struct ConnectorChoice: Sendable {
    var name: String
    var location: BucketLocation
    var credentials: BucketCredentials

    private static let members: [String: [String]] = [
        "s3": [
            "bucket", "region", "endpoint", "pathStyle", "roleArn", "externalId", "stsEndpoint",
            "accessKeyId", "secretAccessKey", "sessionToken",
        ],
        "gcs": ["bucket", "endpoint", "serviceAccount", "accessKeyId", "secretAccessKey"],
        "local": ["path"],
    ]

    init(_ request: RouteRequest) throws(Problem) {
        let type = try request.looseObject().requiredText("type")
        guard let members = Self.members[type] else {
            throw .invalid("/type", expected: "one of s3, gcs, local")
        }
        let body = try request.object(["name", "type"] + members)
        name = try StreamName.check(try body.requiredText("name"), at: "/name")
        switch type {
        case "s3":
            location = .s3(try Self.s3(body))
            credentials = try Self.s3Credentials(body)
        case "gcs":
            location = .gcs(
                GCSLocation(
                    bucket: try body.requiredText("bucket"), endpoint: try body.text("endpoint")))
            credentials = try Self.gcsCredentials(body)
        default:
            location = .local(LocalLocation(path: try body.requiredText("path")))
            credentials = .none
        }
    }

    /// Other credentials for a connector that is there.
    static func credentials(
        _ request: RouteRequest, for location: BucketLocation
    ) throws(Problem) -> BucketCredentials {
        switch location {
        case .s3:
            return try s3Credentials(
                try request.object("accessKeyId", "secretAccessKey", "sessionToken"))
        case .gcs:
            return try gcsCredentials(
                try request.object("serviceAccount", "accessKeyId", "secretAccessKey"))
        case .local:
            throw .conflict("A local directory needs no credentials.")
        }
    }

    private static func s3(_ body: BodyObject) throws(Problem) -> S3Location {
        var location = S3Location(
            bucket: try body.requiredText("bucket"), region: try body.requiredText("region"),
            endpoint: try body.text("endpoint"),
            usesPathStyle: try body.flag("pathStyle") ?? false)
        if let arn = try body.text("roleArn") {
            location.role = AssumedRole(
                arn: arn, externalID: try body.text("externalId"),
                stsEndpoint: try body.text("stsEndpoint"))
        } else if body.has("externalId") || body.has("stsEndpoint") {
            throw .invalid("/roleArn", expected: "the role that externalId and stsEndpoint are for")
        }
        return location
    }

    private static func s3Credentials(_ body: BodyObject) throws(Problem) -> BucketCredentials {
        .accessKey(
            id: try body.requiredText("accessKeyId"),
            secret: try body.requiredText("secretAccessKey"),
            sessionToken: try body.text("sessionToken"))
    }

    private static func gcsCredentials(_ body: BodyObject) throws(Problem) -> BucketCredentials {
        if let account = try body.text("serviceAccount") {
            guard !body.has("accessKeyId"), !body.has("secretAccessKey") else {
                throw .invalid(
                    "/serviceAccount", expected: "either it or accessKeyId and secretAccessKey")
            }
            return .serviceAccount(json: account)
        }
        return .accessKey(
            id: try body.requiredText("accessKeyId"),
            secret: try body.requiredText("secretAccessKey"), sessionToken: nil)
    }
}
