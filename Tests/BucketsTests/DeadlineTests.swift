import Testing

@testable import Buckets

@Suite("A deadline", .timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test("ends what takes longer, and says so")
    func tooLong() async throws {
        await #expect(throws: BucketError.unreachable("it did not answer within 0 s")) {
            try await Deadline.run(seconds: 0) { () async throws(BucketError) -> Int in
                do { try await Task.sleep(for: .seconds(3_600)) } catch { throw .cancelled }
                return 1
            }
        }
    }

    @Test("lets pass what ends in time: its value, and its own error")
    func inTime() async throws {
        #expect(try await Deadline.run(seconds: 3_600) { () throws(BucketError) in 7 } == 7)
        await #expect(throws: BucketError.noSuchBucket) {
            try await Deadline.run(seconds: 3_600) { () throws(BucketError) -> Int in
                throw .noSuchBucket
            }
        }
    }

    @Test("hands on the cancellation of its caller")
    func cancelled() async throws {
        let task = Task {
            _ = await #expect(throws: BucketError.cancelled) {
                try await Deadline.run(seconds: 3_600) { () async throws(BucketError) -> Int in
                    do { try await Task.sleep(for: .seconds(3_600)) } catch { throw .cancelled }
                    return 1
                }
            }
        }
        task.cancel()
        await task.value
    }
}
