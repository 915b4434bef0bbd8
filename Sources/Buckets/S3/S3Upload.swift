import Synchronization

/// An object in parts. What fits into one part is put whole in the end: a multipart upload of it
/// would be three requests instead of one, and something to take back.
final class S3Upload: BucketUpload {
    private let bucket: S3Bucket
    private let name: ObjectName
    private let contentType: String
    /// One task uses an upload; the lock is for the compiler, and is never held while sending.
    private let state = Mutex(State())

    private struct State {
        var uploadID: String?
        /// Of the parts that the store has, in order; quoted as the store gave them.
        var entityTags: [String] = []
        var byteCount = 0
        /// The last part, which `finish` sends, is among them: `finish` may be called again.
        var hasLastPart = false
        /// Requests to complete, also those whose answer was lost.
        var completions = 0
    }

    init(_ bucket: S3Bucket, _ name: ObjectName, contentType: String) {
        self.bucket = bucket
        self.name = name
        self.contentType = contentType
    }

    func append(_ part: [UInt8]) async throws(BucketError) {
        let uploadID = try await uploadID()
        try await send(part, to: uploadID)
    }

    func finish(_ rest: [UInt8]) async throws(BucketError) {
        guard let uploadID = state.withLock({ $0.uploadID }) else {
            return try await bucket.put(name, rest, contentType: contentType)
        }
        if !rest.isEmpty, !state.withLock({ $0.hasLastPart }) {
            try await send(rest, to: uploadID)
            state.withLock { $0.hasLastPart = true }
        }
        try await complete(uploadID)
    }

    func abort() async {
        guard let uploadID = state.withLock({ $0.uploadID }) else { return }
        // In a task of its own, which is waited for: an upload is given up when the task that made
        // it was cancelled, and requests of a cancelled task are not sent.
        let taking = Task { [bucket, name] in
            // What is left here is taken back when the name is used again.
            _ = try? await Deadline.run(seconds: BucketOpener.abortSecondsMax) {
                () throws(BucketError) in
                try await bucket.send(Self.abortion(of: uploadID, name))
            }
        }
        await taking.value
        state.withLock { $0 = State() }
    }

    /// The upload's identifier, after it was begun if it was not.
    private func uploadID() async throws(BucketError) -> String {
        if let uploadID = state.withLock({ $0.uploadID }) { return uploadID }
        try await takeBackOldUploads()
        let request = S3Request(
            .createUpload, "POST", name, query: [("uploads", nil)],
            headers: [("content-type", contentType)])
        let reply = try await bucket.send(request)
        guard reply.status == 200 else { throw bucket.failure(reply, request) }
        guard let uploadID = S3Answer(reply.body)?.text("UploadId"),
            (1...2_048).contains(uploadID.utf8.count)
        else { throw .unexpected(status: 200, code: "NoUploadId") }
        state.withLock { $0.uploadID = uploadID }
        return uploadID
    }

    /// Aborts uploads of this very name that a killed process has left behind: their parts are
    /// invisible and cost money. Whoever may not list them has a rule of the bucket for it.
    private func takeBackOldUploads() async throws(BucketError) {
        let request = S3Request(
            .listUploads, "GET", nil, query: [("prefix", name.text), ("uploads", nil)])
        let reply = try await bucket.send(request)
        if [400, 403, 405, 501].contains(reply.status) { return }
        guard reply.status == 200 else { throw bucket.failure(reply, request) }
        guard let answer = S3Answer(reply.body) else { return }
        for (key, uploadID) in answer.pairs("Upload/Key", "Upload/UploadId")
        where key == name.text {
            // One that cannot be aborted does not keep the new one from beginning.
            _ = try await bucket.send(Self.abortion(of: uploadID, name))
        }
    }

    private func send(_ part: [UInt8], to uploadID: String) async throws(BucketError) {
        let number = state.withLock { $0.entityTags.count } + 1
        guard number <= BucketLimits.partsMax else {
            throw .unexpected(status: 0, code: "TooManyParts")
        }
        let request = S3Request(
            .uploadPart, "PUT", name,
            query: [("partNumber", String(number)), ("uploadId", uploadID)], body: part)
        let reply = try await bucket.send(request)
        guard reply.status == 200 else { throw bucket.failure(reply, request) }
        guard let tag = reply.header("etag"), (1...256).contains(tag.utf8.count),
            tag.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"<>&".utf8.contains($0) })
        else { throw .unexpected(status: 200, code: "NoETag") }
        state.withLock {
            $0.entityTags.append(tag)
            $0.byteCount += part.count
        }
    }

    /// Makes the parts an object. S3 answers 200 before it knows whether it will succeed, so the
    /// body counts. If an answer was lost, the upload is gone and the object is there.
    private func complete(_ uploadID: String) async throws(BucketError) {
        let parts = state.withLock { $0.entityTags }.enumerated().map { index, tag in
            let escaped = tag.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "&quot;")
            return "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(escaped)</ETag></Part>"
        }
        let body =
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            + parts.joined() + "</CompleteMultipartUpload>"
        let request = S3Request(
            .completeUpload, "POST", name, query: [("uploadId", uploadID)],
            headers: [("content-type", "application/xml")], body: Array(body.utf8))
        let reply = try await bucket.send(
            request, onTry: { state.withLock { $0.completions += 1 } },
            repeatingWhere: { reply in
                reply.status == 200
                    && ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"]
                        .contains(S3Failure.code(reply))
            })
        // Stores do not agree on the outermost element, but a success has the object's tag.
        if reply.status == 200, let answer = S3Answer(reply.body), answer.root != "Error",
            answer.text("ETag") != nil
        {
            return
        }
        if S3Failure.code(reply) == "NoSuchUpload", state.withLock({ $0.completions > 1 }),
            try await isThere()
        {
            return
        }
        throw bucket.failure(reply, request)
    }

    /// Whether an object of this name has as many bytes as were sent.
    private func isThere() async throws(BucketError) -> Bool {
        let request = S3Request(.get, "HEAD", name)
        let reply = try await bucket.send(request)
        switch reply.status {
        case 200: return reply.header("content-length") == String(state.withLock { $0.byteCount })
        case 404: return false
        default: throw bucket.failure(reply, request)
        }
    }

    private static func abortion(of uploadID: String, _ name: ObjectName) -> S3Request {
        S3Request(.abortUpload, "DELETE", name, query: [("uploadId", uploadID)])
    }
}
