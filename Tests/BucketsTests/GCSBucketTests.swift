import Synchronization
import Testing

@testable import Buckets

@Suite("buckets of Google Cloud")
struct GCSBucketTests {
    private let store = FakeGCS()
    private let part = [UInt8](repeating: 7, count: BucketLimits.partBytes)

    private func name(_ text: String) throws -> ObjectName {
        try #require(ObjectName(text))
    }

    @Test("take small objects whole and lose them again")
    func small() async throws {
        let bucket = try store.bucket()
        #expect(bucket.title == "gs://orders")
        try await bucket.put(try name("a/b!"), [1, 2], contentType: "text/plain")
        #expect(
            store.state.withLock { $0.objects }
                == ["a/b!": .init(body: [1, 2], contentType: "text/plain")])
        try await bucket.delete(try name("a/b!"))
        try await bucket.delete(try name("a/b!"))
        #expect(store.state.withLock { $0.objects.isEmpty })
        #expect(
            store.state.withLock { $0.requests.map { "\($0.method) \($0.target)" } } == [
                "POST /upload/storage/v1/b/orders/o?uploadType=media&name=a%2Fb%21",
                "DELETE /storage/v1/b/orders/o/a%2Fb%21",
                "DELETE /storage/v1/b/orders/o/a%2Fb%21",
            ])
        #expect(store.state.withLock { $0.tokens } == 1)
    }

    @Test("take an upload that fits into one part in one request")
    func onePart() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.finish([1, 2, 3])
        try await upload.finish([1, 2, 3])
        #expect(store.log == ["POST media"])
    }

    @Test("take larger ones in parts and show them at the end")
    func parts() async throws {
        let upload = try await store.bucket().begin(try name("d/a"), contentType: "text/csv")
        #expect(store.log.isEmpty)
        try await upload.append(part)
        try await upload.append(part)
        #expect(store.state.withLock { $0.objects.isEmpty })
        try await upload.finish([1, 2, 3])
        try await upload.finish([1, 2, 3])
        #expect(
            store.state.withLock { $0.objects }
                == ["d/a": .init(body: part + part + [1, 2, 3], contentType: "text/csv")])
        #expect(
            store.log == [
                "POST resumable", "PUT bytes 0-8388607/*", "PUT bytes 8388608-16777215/*",
                "PUT bytes 16777216-16777218/16777219",
            ])
    }

    @Test("are told the size alone if nothing is left for the end")
    func noRest() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part)
        #expect(store.log.last == "PUT bytes */8388608")
    }

    @Test("get the rest again where they took less than was sent")
    func partial() async throws {
        store.state.withLock { $0.takesAtMost = 3 << 20 }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish(part)
        #expect(store.state.withLock { $0.objects["a"]?.body } == part + part)
        #expect(
            store.log.prefix(5) == [
                "POST resumable", "PUT bytes 0-8388607/*", "PUT bytes 3145728-8388607/*",
                "PUT bytes 6291456-8388607/*", "PUT bytes 8388608-16777215/16777216",
            ])
    }

    @Test("keep each byte once whichever answer is lost", arguments: 0..<6)
    func lostAnswers(number: Int) async throws {
        store.state.withLock {
            $0.lost = [number]
            $0.takesAtMost = 4 << 20
        }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.append(part)
        try await upload.finish([9])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part + part + [9])
    }

    @Test("are asked again after failures that may pass", arguments: 0..<3)
    func failures(number: Int) async throws {
        store.state.withLock { $0.replies[number] = FakeGCS.error(503, "backendError") }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        try await upload.finish([9])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part + [9])
    }

    @Test("that take nothing are not asked for ever, and the same part may be sent later")
    func stuck() async throws {
        store.state.withLock { $0.takesAtMost = 0 }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        await #expect(throws: BucketError.unavailable(status: 308, code: "NothingTaken")) {
            try await upload.append(part)
        }
        #expect(store.log.count == 5)
        store.state.withLock { $0.takesAtMost = .max }
        try await upload.append(part)
        try await upload.finish([])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part)
    }

    @Test("finish again what failed to finish")
    func secondFinish() async throws {
        store.state.withLock { $0.replies[2] = FakeGCS.error(412, "conditionNotMet") }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        await #expect(throws: BucketError.unexpected(status: 412, code: "conditionNotMet")) {
            try await upload.finish([9])
        }
        try await upload.finish([9])
        #expect(store.state.withLock { $0.objects["a"]?.body } == part + [9])
    }

    @Test(
        "that send an upload elsewhere are refused, before a byte of it is sent",
        arguments: [
            "https://storage.example", "http://storage.googleapis.com",
            "https://storage.googleapis.com:8443", "https://storage.googleapis.com@evil.example",
            "https://127.0.0.1", "", "//storage.googleapis.com",
        ])
    func elsewhere(origin: String) async throws {
        store.state.withLock { $0.sessionOrigin = origin }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        let error = await #expect(throws: BucketError.self) { try await upload.append(part) }
        guard case .endpointRefused = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(store.log == ["POST resumable"])
    }

    @Test("that spell their own port out are taken at their word")
    func ownPort() async throws {
        store.state.withLock { $0.sessionOrigin = "https://storage.googleapis.com:443" }
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        #expect(store.log.count == 2)
    }

    @Test("that have forgotten an upload ask for another one")
    func forgotten() async throws {
        let upload = try await store.bucket().begin(try name("a"), contentType: "text/csv")
        try await upload.append(part)
        store.state.withLock { $0.sessions = [:] }
        let error = await #expect(throws: BucketError.self) { try await upload.append(part) }
        #expect(error == .unavailable(status: 404, code: "UploadGone"))
    }

    @Test("get another token once where one is not accepted")
    func unauthorized() async throws {
        let bucket = try store.bucket()
        try await bucket.put(try name("a"), [1], contentType: "text/plain")
        store.state.withLock { $0.replies[1] = FakeGCS.error(401, "authError") }
        try await bucket.put(try name("a"), [2], contentType: "text/plain")
        #expect(store.state.withLock { $0.tokens } == 2)
        #expect(store.state.withLock { $0.objects["a"]?.body } == [2])
        let refusal = FakeGCS.error(401, "authError")
        store.state.withLock { state in
            for number in 3..<5 { state.replies[number] = refusal }
        }
        let object = try name("a")
        await #expect(throws: BucketError.credentialsRefused(code: "authError")) {
            try await bucket.put(object, [3], contentType: "text/plain")
        }
        #expect(store.state.withLock { $0.requests.count } == 5)
    }

    @Test("say which permission is missing, and nothing else of what the store wrote")
    func forbidden() async throws {
        store.state.withLock {
            $0.replies = [
                0: FakeGCS.error(403, "forbidden"),
                1: FakeGCS.error(
                    403, "forbidden", message: "x does not have storage.objects.delete access"),
                2: FakeGCS.error(403, "forbidden"),
                3: FakeGCS.error(404, "notFound"),
                4: FakeGCS.error(400, "in valid"),
            ]
        }
        let (bucket, object) = (try store.bucket(), try name("a"))
        func refusal() async -> BucketError? {
            await #expect(throws: BucketError.self) {
                try await bucket.put(object, [1], contentType: "text/plain")
            }
        }
        let (create, remove) = ("storage.objects.create on", "storage.objects.delete on")
        #expect(await refusal() == .forbidden(action: "\(create) gs://orders", code: "forbidden"))
        #expect(await refusal() == .forbidden(action: "\(remove) gs://orders", code: "forbidden"))
        let error = await #expect(throws: BucketError.self) { try await bucket.delete(object) }
        #expect(error == .forbidden(action: "\(remove) gs://orders", code: "forbidden"))
        #expect(await refusal() == .noSuchBucket)
        #expect(await refusal() == .unexpected(status: 400, code: "unreadable"))
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
        #expect(store.state.withLock { $0.sessions.isEmpty && $0.objects.isEmpty })
        await upload.abort()
        #expect(store.log == ["POST resumable", "PUT bytes 0-8388607/*", "DELETE"])
    }

    @Test("are probed by an object that is gone again")
    func probe() async throws {
        try await BucketOpener.probe(try store.bucket())
        #expect(store.log == ["POST media", "DELETE"])
        #expect(store.state.withLock { $0.objects.isEmpty })
    }
}
