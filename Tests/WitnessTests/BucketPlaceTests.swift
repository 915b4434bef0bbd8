import Audit
import AuditProof
import Buckets
import Crypto
import Foundation
import Synchronization
import Testing

@testable import Witness

/// Writes a key for cosignatures as text, by the definition.
enum CosignerKeyText {
    static func text(name: String, publicKey: [UInt8]) -> String {
        let material = [UInt8(4)] + publicKey
        let digest = SHA256.hash(data: Array(name.utf8) + [0x0A] + material)
        let id = digest.prefix(4).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        return "\(name)+\(id)+\(Data(material).base64EncodedString())"
    }
}

@Suite("Checkpoints in a bucket")
struct BucketPlaceTests {
    /// Objects in memory.
    final class Memory: Bucket {
        let objects = Mutex<[String: [UInt8]]>([:])
        let puts = Mutex(0)
        let title = "memory"
        func put(
            _ name: ObjectName, _ body: [UInt8], contentType: String
        ) async throws(BucketError) {
            objects.withLock { $0[name.text] = body }
            puts.withLock { $0 += 1 }
        }
        func delete(_ name: ObjectName) async throws(BucketError) {}
        func begin(
            _ name: ObjectName, contentType: String
        ) async throws(BucketError) -> any BucketUpload { throw .cancelled }
        func close() async {}
    }

    @Test("each checkpoint is an object of its own")
    func objects() async throws {
        let log = try await LogFixture([.serverStarted])
        let memory = Memory()
        var places = Witnesses.Places()
        places.connector = "outside"
        let witnesses = try log.witnesses(places) { name throws(BucketError) in
            guard name == "outside" else { throw .noSuchBucket }
            return memory
        }
        for _ in 0..<2 {
            // The second time the log has not grown, and nothing is written.
            await witnesses.confirmAll()
            await witnesses.confirmAll()
            try await log.grows([.streamCreated])
        }
        #expect(memory.puts.withLock { $0 } == 2)
        let objects = memory.objects.withLock { $0 }
        #expect(objects.keys.sorted() == ["checkpoints/1", "checkpoints/2"])
        let chain = try log.audit.keyChain()
        for (size, name) in [(1, "checkpoints/1"), (2, "checkpoints/2")] {
            #expect(try chain.checkpoint(objects[name] ?? []).size == UInt64(size))
        }
        #expect(witnesses.statuses.first?.confirmation?.size == 2)
    }

    @Test("an idle log is written again each hour, so that a bucket that is gone is noticed")
    func idle() async throws {
        let log = try await LogFixture([.serverStarted])
        let memory = Memory()
        let isGone = Mutex(false)
        let place = BucketPlace(title: "outside") { _ throws(BucketError) in
            guard !isGone.withLock({ $0 }) else { throw .noSuchBucket }
            return memory
        }
        let start = LogFixture.now
        var last = try await place.confirm(log.log, last: nil, now: start)
        last = try await place.confirm(log.log, last: last, now: start + 3_599_000)
        #expect(last.at == start, "what nobody asked the bucket is no confirmation")
        #expect(memory.puts.withLock { $0 } == 1)
        last = try await place.confirm(log.log, last: last, now: start + 3_601_000)
        #expect(last.at == start + 3_601_000)
        #expect(memory.puts.withLock { $0 } == 2)
        isGone.withLock { $0 = true }
        let kept = last
        await #expect(throws: WitnessFailure.failed("there is no such bucket")) {
            try await place.confirm(log.log, last: kept, now: start + 9_000_000)
        }
    }

    @Test("a connector that is not there is a failure that is shown")
    func missing() async throws {
        let log = try await LogFixture([.serverStarted])
        var places = Witnesses.Places()
        places.connector = "nowhere"
        let witnesses = try log.witnesses(places)
        await witnesses.confirmAll()
        #expect(witnesses.statuses.first?.failures == 1)
        #expect(witnesses.statuses.first?.failure == .failed("there is no such bucket"))
    }
}
