import Testing

@testable import Buckets

@Suite("settings of connectors to S3")
struct BucketOpenerTests {
    private let keys = BucketCredentials.accessKey(id: "AKID", secret: "s", sessionToken: nil)

    private func pointer(
        _ location: BucketLocation, _ credentials: BucketCredentials,
        _ policy: BucketPolicy = BucketPolicy()
    ) -> String? {
        do throws(BucketError) {
            try BucketOpener.check(location, credentials, policy: policy)
            return nil
        } catch {
            switch error {
            case .invalid(let pointer, _): return pointer
            case .endpointRefused: return "refused"
            default: return "\(error)"
            }
        }
    }

    private func s3(_ change: (inout S3Location) -> Void) -> BucketLocation {
        var location = S3Location(bucket: "orders", region: "eu-central-1")
        change(&location)
        return .s3(location)
    }

    @Test("are checked without a network, member by member")
    func members() {
        #expect(pointer(s3 { _ in }, keys) == nil)
        #expect(pointer(s3 { $0.bucket = "Orders" }, keys) == "/bucket")
        #expect(pointer(s3 { $0.region = "eu central" }, keys) == "/region")
        #expect(pointer(s3 { $0.endpoint = "store.example" }, keys) == "/endpoint")
        #expect(pointer(s3 { $0.endpoint = "http://store.example" }, keys) == "refused")
        #expect(pointer(s3 { $0.endpoint = "https://8.8.8.8" }, keys) == "/pathStyle")
        #expect(pointer(s3 { $0.endpoint = "https://169.254.169.254" }, keys) == "refused")
        #expect(pointer(s3 { $0.role = AssumedRole(arn: "admin") }, keys) == "/roleArn")
        let arn = "arn:aws:iam::123456789012:role/export"
        #expect(pointer(s3 { $0.role = AssumedRole(arn: arn) }, keys) == nil)
        #expect(
            pointer(s3 { $0.role = AssumedRole(arn: arn, externalID: "a b") }, keys)
                == "/externalId")
        #expect(
            pointer(s3 { $0.role = AssumedRole(arn: arn, stsEndpoint: "sts") }, keys)
                == "/stsEndpoint")
        #expect(
            pointer(s3 { $0.role = AssumedRole(arn: arn, stsEndpoint: "https://10.0.0.1") }, keys)
                == "refused")
    }

    @Test("belong to credentials of their kind")
    func kinds() {
        let account = BucketCredentials.serviceAccount(json: "{}")
        #expect(pointer(s3 { _ in }, account) == "/accessKeyId")
        #expect(pointer(s3 { _ in }, .none) == "/accessKeyId")
        let google = BucketLocation.gcs(GCSLocation(bucket: "orders_eu"))
        #expect(pointer(google, keys) == nil)
        #expect(pointer(google, .none) == "/accessKeyId")
        #expect(
            pointer(google, .accessKey(id: "G", secret: "s", sessionToken: "t")) == "/sessionToken")
        #expect(pointer(.gcs(GCSLocation(bucket: "-a-")), keys) == "/bucket")
        #expect(pointer(.local(LocalLocation(path: "a")), keys) == "/accessKeyId")
    }

    @Test("have credentials that fit into a header")
    func characters() {
        func check(_ id: String, _ secret: String, _ token: String? = nil) -> String? {
            pointer(s3 { _ in }, .accessKey(id: id, secret: secret, sessionToken: token))
        }
        #expect(check("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") == nil)
        for id in ["", "a b", "a,b", "a/b", "a\r\nb", "é", String(repeating: "a", count: 257)] {
            #expect(check(id, "s") == "/accessKeyId")
        }
        for secret in ["", "s\n", " s", "é"] { #expect(check("A", secret) == "/secretAccessKey") }
        for token in ["", "t\n", "t t"] { #expect(check("A", "s", token) == "/sessionToken") }
    }

    @Test(
        "name buckets as S3 does",
        arguments: [
            ("abc", true), ("a.b-c.d", true), ("123", true),
            (String(repeating: "a", count: 63), true), ("ab", false),
            (String(repeating: "a", count: 64), false), ("a_b", false), ("-ab", false),
            ("ab-", false), ("a..b", false), (".ab", false), ("a.-b", false), ("a-.b", false),
            ("192.168.0.1", false), ("aB3", false), ("a/b", false), ("a b", false), ("äbc", false),
        ])
    func buckets(name: String, isSound: Bool) {
        #expect(S3Rules.isBucketName(name) == isSound)
    }

    @Test("lead to a host below the region's, or to the path")
    func places() throws {
        func place(_ location: S3Location) throws -> S3Place {
            try S3Place(location, policy: BucketPolicy())
        }
        let name = try #require(ObjectName("a/b=c"))
        let plain = try place(S3Location(bucket: "orders", region: "eu-central-1"))
        #expect(plain.endpoint.host == "orders.s3.eu-central-1.amazonaws.com")
        #expect(plain.target(name) == "/a/b%3Dc" && plain.target(nil) == "/")
        let path = try place(
            S3Location(bucket: "orders", region: "eu-central-1", usesPathStyle: true))
        #expect(path.endpoint.host == "s3.eu-central-1.amazonaws.com")
        #expect(path.target(name) == "/orders/a/b%3Dc")
        let list = path.target(nil, [("prefix", "a/b"), ("uploads", nil)])
        #expect(list == "/orders?prefix=a%2Fb&uploads")
        let dotted = try place(S3Location(bucket: "or.ders", region: "cn-north-1"))
        #expect(dotted.endpoint.host == "s3.cn-north-1.amazonaws.com.cn")
        #expect(dotted.target(name) == "/or.ders/a/b%3Dc")
        #expect(dotted.permission(for: .put) == "s3:PutObject on arn:aws-cn:s3:::or.ders/*")
        #expect(
            plain.permission(for: .listUploads)
                == "s3:ListBucketMultipartUploads on arn:aws:s3:::orders")
        let google = try S3Place(google: GCSLocation(bucket: "or_ders"), policy: BucketPolicy())
        #expect(google.endpoint.host == "storage.googleapis.com" && google.region == "auto")
        #expect(google.title == "gs://or_ders")
        #expect(google.permission(for: .delete) == "storage.objects.delete on gs://or_ders")
    }
}

@Suite("acting in a role")
struct AssumeRoleTests {
    private let keys = AccessKeys(id: "AKID", secret: "s", sessionToken: nil)
    private let role = AssumedRole(arn: "arn:aws:iam::123456789012:role/export", externalID: "a=b")

    private func fetch(
        _ reply: ExchangeReply, _ sent: Recorder<ExchangeRequest> = Recorder()
    ) async throws -> AccessKeys {
        let endpoint = try AssumeRole.endpoint(role, region: "eu-central-1", policy: BucketPolicy())
        let exchange = HTTPExchange(
            endpoint: endpoint,
            transport: { request throws(BucketError) in
                _ = sent.append(request)
                return reply
            }, pause: { _ in })
        return try await AssumeRole.fetch(
            role, region: "eu-central-1", keys: keys, exchange: exchange,
            clock: { 1_440_938_160_000 })
    }

    @Test("gives temporary keys for an hour")
    func success() async throws {
        let body = """
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
            <AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>
            <AccessKeyId>ASIA</AccessKeyId>
            <SecretAccessKey>t/+</SecretAccessKey><SessionToken>token==</SessionToken>
            <Expiration>2026-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
            </AssumeRoleResponse>
            """
        let sent = Recorder<ExchangeRequest>()
        let found = try await fetch(ExchangeReply(status: 200, body: Array(body.utf8)), sent)
        #expect(found.id == "ASIA" && found.secret == "t/+" && found.sessionToken == "token==")
        let request = try #require(sent.values.first)
        #expect(request.method == "POST" && request.target == "/")
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "Action=AssumeRole&DurationSeconds=3600"
                + "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fexport"
                + "&RoleSessionName=stream-machine&Version=2011-06-15&ExternalId=a%3Db")
        let authorization = try #require(request.headers.last?.1)
        #expect(authorization.contains("/eu-central-1/sts/aws4_request"))
    }

    @Test("says which permission is missing")
    func refusal() async throws {
        let body =
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error>"
            + "</ErrorResponse>"
        await #expect(
            throws: BucketError.forbidden(
                action: "sts:AssumeRole on arn:aws:iam::123456789012:role/export",
                code: "AccessDenied")
        ) { try await fetch(ExchangeReply(status: 403, body: Array(body.utf8))) }
    }

    @Test("takes no keys that do not look like some", arguments: ["", "<a/>", "not xml"])
    func nonsense(body: String) async throws {
        await #expect(throws: BucketError.unexpected(status: 200, code: "NoCredentials")) {
            try await fetch(ExchangeReply(status: 200, body: Array(body.utf8)))
        }
    }
}
