import Synchronization
import Testing

@testable import Buckets

@Suite("buckets of S3")
struct S3BucketTests {
    private let store = FakeS3()
    private let part = [UInt8](repeating: 7, count: BucketLimits.partBytes)

    private func name(_ text: String) throws -> ObjectName {
        try #require(ObjectName(text))
    }

    @Test("take small objects whole and lose them again")
    func small() async throws {
        let bucket = try store.bucket()
        #expect(bucket.title == "s3://bucket")
        try await bucket.put(try name("a/b!"), [1, 2], contentType: "text/plain")
        #expect(
            store.state.withLock { $0.objects }
                == ["a/b!": .init(body: [1, 2], contentType: "text/plain")])
        try await bucket.delete(try name("a/b!"))
        try await bucket.delete(try name("a/b!"))
        #expect(store.state.withLock { $0.objects.isEmpty })
        let path = "/bucket/a/b%21"
        #expect(store.log == ["PUT \(path)", "DELETE \(path)", "DELETE \(path)"])
    }

    @Test("sign every try with the time of that try")
    func signatures() async throws {
        try await store.bucket().put(try name("a"), [], contentType: "text/plain")
        let request = try #require(store.state.withLock { $0.requests.first })
        #expect(request.headers.contains { $0 == ("x-amz-date", "20150830T123600Z") })
        let authorization = try #require(request.headers.last?.1)
        #expect(
            authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-central-1/s3/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, "))
    }

    @Test("take an upload that fits into one part in one request")
    func onePart() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/plain")
        try await upload.finish([1, 2, 3])
        #expect(store.log == ["PUT /bucket/a"])
    }

    @Test("take larger ones in parts and show them at the end")
    func parts() async throws {
        let upload = try await store.bucket().begin(try name("d/a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.append(part)
        #expect(store.state.withLock { $0.objects.isEmpty })
        try await upload.finish([1, 2, 3])
        #expect(
            store.state.withLock { $0.objects }
                == ["d/a": .init(body: part + part + [1, 2, 3], contentType: "text/csv")])
        #expect(
            store.log == [
                "GET /bucket?prefix=d%2Fa&uploads", "POST /bucket/d/a?uploads",
                "PUT /bucket/d/a?partNumber=1", "PUT /bucket/d/a?partNumber=2",
                "PUT /bucket/d/a?partNumber=3", "POST /bucket/d/a?",
            ])
    }

    @Test("send no empty last part")
    func noRest() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part)
        #expect(store.log.count == 4)
    }

    @Test("keep one object whichever answer is lost", arguments: 0..<5)
    func lostAnswers(number: Int) async throws {
        store.state.withLock { $0.lost = [number] }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([9])
        #expect(
            store.state.withLock { $0.objects }
                == ["a": .init(body: part + [9], contentType: "text/csv")])
    }

    @Test("do not take an object that was there before for the one that was sent")
    func foreignObject() async throws {
        store.state.withLock {
            $0.objects["a"] = .init(body: part + [9])
            // The first request to complete, and there is no upload of that name any more.
            $0.replies[4] = FakeS3.error(404, "NoSuchUpload")
        }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        await #expect(throws: BucketError.unexpected(status: 404, code: "NoSuchUpload")) {
            try await upload.finish([9])
        }
    }

    @Test("finish again what failed to finish, without a part too many")
    func secondFinish() async throws {
        let refusal = FakeS3.error(409, "OperationAborted")
        store.state.withLock { $0.replies[4] = refusal }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        await #expect(throws: BucketError.unexpected(status: 409, code: "OperationAborted")) {
            try await upload.finish([9])
        }
        try await upload.finish([9])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part + [9])
    }

    @Test("read the body of an answer that says 200 before the end is known")
    func lateError() async throws {
        store.state.withLock { $0.replies[3] = FakeS3.error(200, "InternalError") }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part)
        let other = FakeS3()
        other.state.withLock { $0.replies[3] = FakeS3.error(200, "InvalidPart") }
        let failing = try await other.bucket().begin(try name("a"), contentType: "text/csv")
        try await failing.append(part)
        await #expect(throws: BucketError.unexpected(status: 200, code: "InvalidPart")) {
            try await failing.finish([])
        }
    }

    @Test("take back what a killed process left under the same name, and nothing else")
    func leftovers() async throws {
        store.state.withLock {
            $0.uploads = [
                "old1": .init(key: "a"), "old2": .init(key: "a"), "other": .init(key: "ab"),
            ]
        }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        #expect(store.log.isEmpty)
        try await upload.append(part)
        #expect(
            Set(store.state.withLock { $0.uploads.keys.map { $0 } }) == ["other", "up/1+="])
    }

    @Test("are used without the right to list uploads", arguments: [403, 501])
    func blind(status: Int) async throws {
        store.state.withLock { $0.replies[0] = FakeS3.error(status, "AccessDenied") }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part)
    }

    @Test("take back what was sent, also in a cancelled task")
    func abort() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            await upload.abort()
        }
        task.cancel()
        await task.value
        #expect(store.state.withLock { $0.uploads.isEmpty && $0.objects.isEmpty })
        await upload.abort()
        #expect(store.log.last == "DELETE /bucket/a?")
    }

    @Test("are probed by an object that is gone again")
    func probe() async throws {
        try await BucketOpener.probe(try store.bucket())
        let requests = store.state.withLock { $0.requests }
        #expect(requests.map(\.method) == ["PUT", "DELETE"])
        #expect(requests[0].body == Array("probe\n".utf8))
        #expect(requests[0].target == requests[1].target)
        let digits = try #require(requests[0].target.split(separator: "strm-probe-").last)
        #expect(digits.utf8.count == 16 && digits.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(store.state.withLock { $0.objects.isEmpty })
    }

    @Test("in a role gets other keys before the first ones end, also in the middle of a batch")
    func renewal() async throws {
        let fake = FakeS3()
        let times = Recorder<Int64>()
        _ = times.append(1_440_938_160_000)
        let renewals = Recorder<String>()
        let bucket = try fake.bucket(clock: { times.values.last ?? 0 }) { () throws(BucketError) in
            AccessKeys(
                id: "KEY\(renewals.append("renewed"))", secret: "s", sessionToken: "t")
        }
        let name = try #require(ObjectName("a"))
        for minutes in [0, 54, 56, 57, 120] as [Int64] {
            _ = times.append(1_440_938_160_000 + minutes * 60_000)
            try await bucket.put(name, [1], contentType: "t/p")
        }
        let users = fake.state.withLock { $0.requests }.map { request in
            let header = request.headers.first { $0.0.lowercased() == "authorization" }?.1 ?? ""
            return String(
                header.split(separator: "=").dropFirst().first?.prefix { $0 != "/" } ?? "")
        }
        #expect(users == ["FIRST", "FIRST", "KEY0", "KEY0", "KEY1"])
    }
}
