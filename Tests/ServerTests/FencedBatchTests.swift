import HTTP
import Store
import Testing

@testable import Ingest
@testable import Server

@Suite("Batches with events of fenced people")
struct FencedBatchTests {
    private func answer(durable: Int, fenced: Int) -> BatchTrackers.Batch? {
        var trackers = BatchTrackers()
        let token = trackers.open(for: ResponseToken(first: 1, second: 2))
        for _ in 0..<durable { _ = trackers.settle(token, failure: nil) }
        for _ in 0..<fenced { _ = trackers.settle(token, failure: .subjectFenced) }
        var receipt = BatchReceipt()
        receipt.queued = durable + fenced
        return trackers.received(token, receipt)
    }

    @Test("the others are taken, and the fenced ones counted: nobody repeats the batch")
    func mixed() throws {
        let batch = try #require(answer(durable: 2, fenced: 1))
        #expect(batch.answer.status == 200)
        #expect(
            String(decoding: batch.answer.body, as: UTF8.self)
                == "{\"accepted\":2,\"refused\":[],\"fenced\":1}")
    }

    @Test("a batch of nothing else is refused by its own problem type")
    func alone() throws {
        let batch = try #require(answer(durable: 0, fenced: 2))
        #expect(batch.answer.status == 403)
        let text = String(decoding: batch.answer.body, as: UTF8.self)
        #expect(text.contains("problems/subject-fenced"))
        #expect(Problem(StoreError.subjectFenced).slug == "subject-fenced")
    }
}
