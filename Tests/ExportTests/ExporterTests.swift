import Audit
import Buckets
import Foundation
import Store
import Testing

@testable import Export

@Suite("An exporter", .timeLimit(.minutes(1)))
struct ExporterTests {
    private static let minute: Milliseconds = 60_000

    @Test("writes what came in an interval to one object, with a signed manifest beside it")
    func oneBatch() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter())
        #expect(await site.works(exporter), "the first round begins at once")
        await site.stores(0..<20)
        #expect(await site.works(exporter) == false, "the interval is not over")
        site.clock.advances(by: Self.minute)
        #expect(await site.works(exporter))
        let bucket = try ExportedBucket(site)
        let batch = try #require(bucket.batches.first)
        #expect(bucket.batches.count == 1)
        #expect(try bucket.marks == (0..<20).map { "m\($0)" })
        #expect(
            batch.object
                == "team/2026/09/21/orders-20260921T141420Z-p0-000000000000000-000000000000019.jsonl"
        )
        #expect(batch["events"] == 20)
        #expect(batch["dropped"] == 0)
        #expect(batch["expired"] == 0)
        #expect(batch.manifest["contracts"] as? [String] == ["test/order/1.0.0"])
        #expect(batch.manifest["purposes"] as? [Int] == [])
        #expect(batch.manifest["keysExpireFrom"] as? String == "2026-09-29T00:00:00.000Z")
        #expect(batch.manifest["keysExpireUntil"] as? String == "2026-09-30T00:00:00.000Z")
        #expect(!String(decoding: batch.bytes, as: UTF8.self).contains("@example.com"))
        let entry = try #require(try site.entries(.batchExported).first)
        #expect(entry["client"] as? String == "exporter:e")
        #expect(entry["events"] as? Int == 20)
        let detail = try #require(entry["detail"] as? [String: String])
        #expect(detail["object"] == batch.object)
        #expect(detail["sha256"] == batch.manifest["sha256"] as? String)
        #expect(try site.entries(.release).isEmpty)
        #expect(exporter.status.lagEvents == 0)
        #expect(exporter.status.progress.events == 20)
    }

    @Test func `of a derived stream with masks uploads hashes, and no value of a masked field`()
        async throws
    {
        let site = try ExportSite()
        await site.stores(0..<3)
        let exporter = try site.starts(
            try await site.definesExporter(stream: "orders-masked"))
        site.clock.advances(by: ExportSite.hour)
        await site.works(exporter)
        let batch = try #require(try ExportedBucket(site).batches.first)
        let text = String(decoding: batch.bytes, as: UTF8.self)
        #expect(batch.lines.count == 3)
        #expect(!text.contains("@example.com"))
        // mmh3.hash_bytes(b"person-0@example.com", 42).hex()
        #expect(text.contains("\"email\":\"44c9d9d90ce4d8312cd9f32dab6ac71f\""))
        let release = try #require(try site.entries(.release).first)
        #expect((release["detail"] as? [String: String])?["masked"] == "email")
    }

    @Test(
        "of a derived stream opens its levels alone, and each release is recorded before the batch")
    func derived() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter(stream: "orders-1"))
        await site.stores(0..<3)
        await site.stores(3..<5, consent: [0])
        site.clock.advances(by: Self.minute)
        await site.works(exporter)
        let batch = try #require(try ExportedBucket(site).batches.first)
        #expect(batch.lines.count == 3)
        #expect(String(decoding: batch.bytes, as: UTF8.self).contains("person-2@example.com"))
        #expect(batch["dropped"] == 2)
        #expect(batch.manifest["derivedStream"] as? String == "orders-1")
        #expect(batch.manifest["purposes"] as? [Int] == [1])
        #expect(batch.manifest["fields"] as? [String] == ["email"])
        let release = try #require(try site.entries(.release).first)
        let exported = try #require(try site.entries(.batchExported).first)
        #expect(release["client"] as? String == "exporter:e")
        #expect(release["events"] as? Int == 3)
        #expect(exported["purposes"] as? [Int] == [1])
        #expect(
            (release["number"] as? Int ?? 0) < (exported["number"] as? Int ?? -1)
                || (release["number"] as? Int) == nil)
    }

    @Test("ends when the approval of its derived stream is taken back while a batch is on its way")
    func approvalTakenBack() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter(stream: "orders-1"))
        await site.stores(0..<3)
        site.clock.advances(by: Self.minute)
        let streams = site.streams
        site.bucket.interrupts(at: 1) { streams.reject("orders-1") }
        await site.works(exporter)
        #expect(site.bucket.operations > 0, "the batch had begun")
        #expect(site.bucket.objects.isEmpty)
        #expect(try site.entries(.batchExported).isEmpty)
        #expect(exporter.status.progress.nextOffsets == [0])
    }

    @Test("writes no object where no event has the consent, and its position moves")
    func noEmptyObject() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter(stream: "orders-1"))
        await site.stores(0..<7, consent: [0])
        site.clock.advances(by: Self.minute)
        await site.works(exporter)
        #expect(site.bucket.operations == 0)
        #expect(exporter.status.progress.nextOffsets == [7])
        #expect(exporter.status.progress.batches == 0)
        #expect(exporter.status.progress.lostEvents == 0)
    }

    @Test("killed after or before any step, loses no event and writes none twice")
    func everyStep() async throws {
        // Two batches: begin, finish, manifest each.
        for step in 1...6 {
            for moment in MemoryBucket.Moment.allCases {
                let site = try ExportSite()
                let definition = try await site.definesExporter(batchBytesMax: 1_500)
                await site.stores(0..<6)
                site.clock.advances(by: Self.minute)
                site.bucket.fails(at: step, moment)
                let first = try site.starts(definition)
                await site.works(first)
                #expect(first.status.state == .failing, "step \(step) \(moment)")
                // A new process: nothing but the disk is left of the first one.
                site.clock.advances(by: Self.minute)
                await site.stores(6..<8)
                let second = try site.starts(definition)
                while second.status.lagEvents > 0 {
                    await site.works(second)
                    site.clock.advances(by: Self.minute)
                }
                let bucket = try ExportedBucket(site)
                #expect(try bucket.marks == (0..<8).map { "m\($0)" }, "step \(step) \(moment)")
                #expect(second.status.lagEvents == 0)
                #expect(try site.entries(.batchExported).count == bucket.batches.count)
                // No object was left behind without a manifest, under any other name.
                #expect(site.bucket.objects.count == 2 * bucket.batches.count)
            }
        }
    }

    @Test("ends a batch where its size is reached, and goes on with the next at once")
    func sizes() async throws {
        let site = try ExportSite(partitions: 2)
        let exporter = try site.starts(
            try await site.definesExporter(
                compression: .zstd, batchBytesMax: 3_000, partitions: 2))
        await site.stores(0..<40)
        await site.stores(40..<60, partition: 1)
        site.clock.advances(by: Self.minute)
        await site.works(exporter)
        let bucket = try ExportedBucket(site)
        #expect(bucket.batches.count > 5)
        #expect(bucket.batches.map { $0["events"] }.reduce(0, +) == 60)
        #expect(Set(bucket.batches.map { $0["partition"] }) == [0, 1])
        #expect(bucket.batches.allSatisfy { $0["contentBytes"] <= 3_000 })
    }

    @Test("tries again after a growing pause, says why, and forgets it when it works")
    func backOff() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter())
        await site.stores(0..<1)
        site.clock.advances(by: Self.minute)
        let error = BucketError.forbidden(
            action: "s3:PutObject on arn:aws:s3:::orders/*", code: "AccessDenied")
        var pauses: [Milliseconds] = []
        for _ in 0..<8 {
            site.bucket.fails(at: 1, .before, error)
            await site.works(exporter)
            let status = exporter.status
            #expect(status.state == .failing)
            #expect(status.error?.contains("s3:PutObject") == true)
            #expect(await site.works(exporter) == false, "not before its time")
            let retryAt = try #require(status.retryAt)
            pauses.append(retryAt - site.clock.now)
            site.clock.advances(by: retryAt - site.clock.now)
        }
        for (index, pause) in pauses.enumerated() {
            let whole = Exporter.retryMillisecondsMin << Milliseconds(index)
            #expect((whole / 2...whole).contains(pause))
        }
        #expect(exporter.status.failures == 8)
        await site.works(exporter)
        #expect(exporter.status.state == .running)
        #expect(exporter.status.error == nil)
        #expect(try ExportedBucket(site).marks == ["m0"])
    }

    @Test("that was deleted while it worked writes nothing back")
    func deleted() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter())
        await site.stores(0..<1)
        site.clock.advances(by: Self.minute)
        _ = try await site.store.commit([
            .deleteDocument(ExporterProgress.key("e"), expectedRevision: 0)
        ])
        await site.works(exporter)
        #expect(site.store.document(ExporterProgress.key("e")) == nil)
        #expect(site.bucket.objects.isEmpty)
    }

    @Test("that is deleted during an upload sends nothing more: no object, no manifest")
    func deletedMeanwhile() async throws {
        for step in 1...3 {
            let site = try ExportSite()
            let exporter = try site.starts(try await site.definesExporter())
            await site.stores(0..<1)
            site.clock.advances(by: Self.minute)
            site.bucket.interrupts(at: step) { exporter.remove() }
            await site.works(exporter)
            #expect(!site.bucket.writes.contains { $0.hasSuffix(".manifest.json") } || step == 3)
            #expect(site.bucket.writes.isEmpty || step > 1)
            #expect(exporter.status.error == nil)
        }
    }

    @Test("counts and records what retention took before it could be exported, after an alarm")
    func lost() async throws {
        let site = try ExportSite()
        let exporter = try site.starts(try await site.definesExporter())
        await site.stores(0..<5)
        await exporter.findOldest()
        #expect(exporter.status.alarm == nil)
        site.clock.advances(by: 6 * 24 * ExportSite.hour + ExportSite.hour)
        await exporter.findOldest()
        #expect(exporter.status.alarm != nil)
        #expect(exporter.status.secondsUntilLoss(now: site.clock.now) == Double(23 * 3_600))
        site.clock.advances(by: 2 * 24 * ExportSite.hour)
        await site.stores(5..<7)
        await site.works(exporter)
        let bucket = try ExportedBucket(site)
        #expect(try bucket.marks == ["m5", "m6"])
        #expect(exporter.status.progress.lostEvents == 5)
        let entry = try #require(try site.entries(.exportLost).first)
        #expect(entry["events"] as? Int == 5)
        #expect(exporter.status.alarm == nil)
    }

    @Test("hands out no keys unless a data protection officer has allowed it, and then on record")
    func keys() async throws {
        let refused = try ExportSite()
        let first = try refused.starts(try await refused.definesExporter(includesKeys: true))
        await refused.stores(0..<2)
        refused.clock.advances(by: Self.minute)
        await refused.works(first)
        #expect(first.status.state == .failing)
        #expect(try refused.entries(.keysExported).isEmpty)
        #expect(!refused.bucket.objects.keys.contains { $0.hasSuffix(".csv") })

        let site = try ExportSite(allowsKeyExport: true)
        let exporter = try site.starts(try await site.definesExporter(includesKeys: true))
        await site.stores(0..<10)
        site.clock.advances(by: Self.minute)
        await site.works(exporter)
        let name = try #require(site.bucket.objects.keys.first { $0.hasSuffix(".keys.csv") })
        let csv = String(decoding: try #require(site.bucket.objects[name]), as: UTF8.self)
        let rows = csv.components(separatedBy: "\r\n")
        #expect(rows.first == "keyLink,encryptionKey,policyId,expiresAt")
        // Five sequences, the header, and nothing behind the last line end.
        #expect(rows.count == 7)
        #expect(rows[1].contains(",retention-7d,2026-09-30T00:00:00.000Z"))
        let manifest = try #require(try ExportedBucket(site).batches.first?.manifest)
        let told = try #require(manifest["keys"] as? [String: Any])
        #expect(told["keyLinks"] as? Int == 5)
        #expect(told["voids"] as? String == "expiry and erasure of these keys")
        let entry = try #require(try site.entries(.keysExported).first)
        #expect(entry["keyLinks"] as? Int == 5)
        #expect((entry["detail"] as? [String: String])?["voids"] != nil)
    }

    @Test(
        "gives nothing up as expired while the clock is not trusted, and stands still for no year")
    func clockJumps() async throws {
        let site = try ExportSite()
        let definition = try await site.definesExporter()
        let exporter = try site.starts(definition)
        await site.stores(0..<5)
        let years = 10 * 365 * 24 * ExportSite.hour
        site.clock.jumps(by: years)
        #expect(await site.works(exporter))
        #expect(exporter.status.error?.contains("clock") == true)
        #expect(exporter.status.progress.nextOffsets == [0])
        #expect(try site.entries(.exportLost).isEmpty)
        site.clock.jumps(by: -years)
        site.clock.advances(by: Self.minute)
        #expect(await site.works(exporter))
        #expect(try ExportedBucket(site).marks == (0..<5).map { "m\($0)" })
        // A round that went well in the far future, then the clock is put right.
        site.clock.jumps(by: years)
        site.clock.advances(by: Self.minute)
        await site.works(exporter)
        site.clock.jumps(by: -years)
        await site.stores(5..<6)
        let restarted = try site.starts(definition)
        #expect(await site.works(restarted))
        #expect(restarted.status.lagEvents == 0)
    }

    @Test("adds the manifest to objects that are there, also when their events have expired since")
    func expiredAfterUpload() async throws {
        let site = try ExportSite()
        let definition = try await site.definesExporter()
        await site.stores(0..<5)
        site.bucket.fails(at: 3, .before)
        await site.works(try site.starts(definition))
        #expect(site.bucket.objects.count == 1)
        site.clock.advances(by: 8 * 24 * ExportSite.hour)
        let exporter = try site.starts(definition)
        #expect(await site.works(exporter))
        #expect(try ExportedBucket(site).marks == (0..<5).map { "m\($0)" })
        #expect(try site.entries(.batchExported).count == 1)
        #expect(exporter.status.progress.lostEvents == 0)
    }

    @Test("leaves no object behind of which it cannot say what it is")
    func leftovers() async throws {
        let site = try ExportSite()
        let definition = try await site.definesExporter()
        await site.stores(0..<5)
        // The object is there, but the answer was lost, and then retention was faster.
        site.bucket.fails(at: 2, .after)
        await site.works(try site.starts(definition))
        #expect(site.bucket.objects.count == 1)
        site.clock.advances(by: 8 * 24 * ExportSite.hour)
        let exporter = try site.starts(definition)
        #expect(await site.works(exporter))
        #expect(site.bucket.objects.isEmpty)
        #expect(exporter.status.progress.lostEvents == 5)
        #expect(try site.entries(.exportLost).count == 1)
    }
}
