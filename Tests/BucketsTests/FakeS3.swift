import Synchronization

@testable import Buckets

/// Objects and multipart uploads in memory, answering as S3 does. Answers can be lost, and requests
/// refused, by the number of the request.
final class FakeS3: Sendable {
    struct Object: Equatable {
        var body: [UInt8]
        var contentType: String?
    }

    struct State {
        var objects: [String: Object] = [:]
        var uploads: [String: Upload] = [:]
        var requests: [ExchangeRequest] = []
        var nextUpload = 1
        /// Requests, from 0, that are carried out but whose answer is lost.
        var lost: Set<Int> = []
        /// Requests, from 0, that are answered with this instead of being carried out.
        var replies: [Int: ExchangeReply] = [:]
    }

    struct Upload {
        var key: String
        var contentType: String?
        var parts: [Int: [UInt8]] = [:]
    }

    let state = Mutex(State())

    /// What was asked, such as `PUT /bucket/a?partNumber=1`, without identifiers of uploads.
    var log: [String] {
        state.withLock { $0.requests }.map { request in
            let target = request.target.split(separator: "&uploadId").first ?? ""
            return "\(request.method) \(target.split(separator: "uploadId=").first ?? "")"
        }
    }

    func bucket(now: Int64 = 1_440_938_160_000) throws -> S3Bucket {
        let location = S3Location(
            bucket: "bucket", region: "eu-central-1", endpoint: "https://store.example",
            usesPathStyle: true)
        let place = try S3Place(location, policy: BucketPolicy())
        let exchange = HTTPExchange(
            endpoint: place.endpoint,
            transport: { request throws(BucketError) in try self.answer(request) },
            pause: { _ in })
        return S3Bucket(
            place: place, keys: AccessKeys(id: "AKID", secret: "secret", sessionToken: nil),
            exchange: exchange, clock: { now })
    }

    /// In a role: keys last for an hour.
    func bucket(
        clock: @escaping @Sendable () -> Int64, renew: @escaping S3Bucket.Renewal
    ) throws -> S3Bucket {
        let location = S3Location(
            bucket: "bucket", region: "eu-central-1", endpoint: "https://store.example",
            usesPathStyle: true)
        let place = try S3Place(location, policy: BucketPolicy())
        let exchange = HTTPExchange(
            endpoint: place.endpoint,
            transport: { request throws(BucketError) in try self.answer(request) },
            pause: { _ in })
        return S3Bucket(
            place: place, keys: AccessKeys(id: "FIRST", secret: "s", sessionToken: "t"),
            exchange: exchange, clock: clock, renew: renew)
    }

    static func error(_ status: Int, _ code: String) -> ExchangeReply {
        let text = """
            <?xml version="1.0"?>
            <Error><Code>\(code)</Code><Message>SMCANARY</Message></Error>
            """
        return ExchangeReply(status: status, body: Array(text.utf8))
    }

    private func answer(_ request: ExchangeRequest) throws(BucketError) -> ExchangeReply {
        let reply: ExchangeReply? = state.withLock { state in
            let number = state.requests.count
            state.requests.append(request)
            if let reply = state.replies[number] { return reply }
            let reply = Self.carryOut(request, &state)
            return state.lost.contains(number) ? nil : reply
        }
        guard let reply else { throw .unreachable("the connection broke off") }
        return reply
    }

    private static func carryOut(_ request: ExchangeRequest, _ state: inout State) -> ExchangeReply
    {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        let key = String(
            decoding: URIText.decoded(parts[0].dropFirst("/bucket/".count)), as: UTF8.self)
        var query: [String: String] = [:]
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let halves = pair.split(separator: "=", maxSplits: 1)
            query[String(halves[0])] =
                halves.count > 1 ? String(decoding: URIText.decoded(halves[1]), as: UTF8.self) : ""
        }
        let contentType = request.headers.first { $0.0 == "content-type" }?.1
        if query["uploads"] != nil {
            return request.method == "GET"
                ? list(query["prefix"] ?? "", state) : create(key, contentType, &state)
        }
        if let id = query["uploadId"] { return useUpload(id, key, query, request, &state) }
        switch request.method {
        case "PUT":
            state.objects[key] = Object(body: request.body, contentType: contentType)
            return ExchangeReply(status: 200)
        case "HEAD":
            guard let object = state.objects[key] else { return ExchangeReply(status: 404) }
            return ExchangeReply(
                status: 200, headers: [("content-length", String(object.body.count))])
        default:
            state.objects[key] = nil
            return ExchangeReply(status: 204)
        }
    }

    private static func list(_ prefix: String, _ state: State) -> ExchangeReply {
        let found = state.uploads.filter { $0.value.key.hasPrefix(prefix) }.map { id, upload in
            // Amazon has the key first, others have not.
            id.hasSuffix("2")
                ? "<Upload><UploadId>\(id)</UploadId><Key>\(upload.key)</Key></Upload>"
                : "<Upload><Key>\(upload.key)</Key><UploadId>\(id)</UploadId></Upload>"
        }
        return xml("ListMultipartUploadsResult", found.joined())
    }

    private static func create(
        _ key: String, _ contentType: String?, _ state: inout State
    ) -> ExchangeReply {
        let id = "up/\(state.nextUpload)+="
        state.nextUpload += 1
        state.uploads[id] = Upload(key: key, contentType: contentType)
        return xml("InitiateMultipartUploadResult", "<UploadId>\(id)</UploadId>")
    }

    private static func useUpload(
        _ id: String, _ key: String, _ query: [String: String], _ request: ExchangeRequest,
        _ state: inout State
    ) -> ExchangeReply {
        guard let upload = state.uploads[id], upload.key == key else {
            return error(404, "NoSuchUpload")
        }
        switch request.method {
        case "PUT":
            let number = query["partNumber"].flatMap { Int($0) } ?? 0
            state.uploads[id]?.parts[number] = request.body
            return ExchangeReply(status: 200, headers: [("ETag", "\"tag\(number)\"")])
        case "POST":
            let wanted = upload.parts.keys.sorted().map { number in
                "<Part><PartNumber>\(number)</PartNumber>"
                    + "<ETag>&quot;tag\(number)&quot;</ETag></Part>"
            }
            guard String(decoding: request.body, as: UTF8.self).contains(wanted.joined()) else {
                return error(400, "InvalidPart")
            }
            state.objects[key] = Object(
                body: upload.parts.sorted { $0.key < $1.key }.flatMap(\.value),
                contentType: upload.contentType)
            state.uploads[id] = nil
            return xml("CompleteMultipartUploadResult", "<ETag>&quot;tag-2&quot;</ETag>")
        default:
            state.uploads[id] = nil
            return ExchangeReply(status: 204)
        }
    }

    private static func xml(_ root: String, _ content: String) -> ExchangeReply {
        let text =
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + "<\(root) xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(content)</\(root)>"
        return ExchangeReply(status: 200, body: Array(text.utf8))
    }
}
