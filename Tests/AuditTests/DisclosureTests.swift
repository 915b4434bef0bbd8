import AuditProof
import Foundation
import Store
import Testing

@testable import Audit

@Suite("What an entry disclosed")
struct DisclosureTests {
    private static func link(_ number: UInt64) -> KeyLink { KeyLink(high: 7, low: number) }

    private static func row(
        _ number: UInt64, opened: UInt64 = 1, events: UInt32 = 1, hashed: UInt64 = 0,
        hashedEvents: UInt32 = 0
    ) -> Disclosures.Row {
        var row = Disclosures.Row(link: link(number))
        row.purposes = 1
        row.opened = opened
        row.events = events
        row.hashed = hashed
        row.hashedEvents = hashedEvents
        return row
    }

    private static func release(
        _ rows: [Disclosures.Row], client: String = "c", hashedFields: [String] = []
    ) -> AuditEntry {
        var entry = AuditEntry(
            act: .release, client: client, role: "reader", stream: "s", derivedStream: "d",
            partition: 0, offsets: (Offset(rawValue: 3), Offset(rawValue: 9)),
            fields: ["a/b", "c"], purposes: [4])
        entry.values = [1, 2]
        entry.keyLinks = rows.count
        entry.disclosures = Disclosures(hashedFields: hashedFields, rows: rows)
        return entry
    }

    @Test("is read back as it was written, whatever the masks")
    func roundTrip() {
        var random = SystemRandomNumberGenerator()
        for width in [0, 1, 7, 8, 9, 33, 63, 64] {
            let mask: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
            let rows = (0..<20).map { number in
                Self.row(
                    number * 3, opened: random.next() & mask, events: mask == 0 ? 0 : 5,
                    hashed: number % 2 == 0 ? 0 : random.next() & mask & ~1)
            }
            let told = Disclosures(hashedFields: ["x", "ü/\"y"], rows: rows.shuffled())
            let again = Disclosures(told.bytes)
            #expect(again?.rows.map(\.link) == rows.map(\.link))
            #expect(again?.rows.map(\.opened) == rows.map(\.opened))
            #expect(again?.rows.map(\.hashed) == rows.map(\.hashed))
            #expect(again?.hashedFields == told.hashedFields)
            told.bytes.withUnsafeBytes { bytes in
                let view = DisclosureBytes(bytes)
                #expect(view?.row(of: Self.link(9))?.opened == rows[3].opened)
                #expect(view?.row(of: Self.link(10)) == nil)
                #expect(view?.row(of: Self.link(1_000)) == nil)
            }
        }
    }

    @Test("of other bytes there is none: cut anywhere, lengthened, another version")
    func malformed() {
        let bytes = Disclosures(
            hashedFields: ["field"], rows: [Self.row(1), Self.row(2, hashed: 1, hashedEvents: 1)]
        ).bytes
        #expect(Disclosures(bytes) != nil)
        for count in 0..<bytes.count { #expect(Disclosures(Array(bytes[..<count])) == nil) }
        #expect(Disclosures(bytes + [0]) == nil)
        #expect(Disclosures([2] + bytes.dropFirst()) == nil)
        #expect(Disclosures([1, 9] + bytes.dropFirst(2)) == nil)
    }

    @Test("lies beside the entry, which holds its hash; the export of the log has neither link")
    func beside() async throws {
        let fixture = try AuditFixture()
        try await fixture.records([
            AuditEntry(act: .serverStarted), Self.release([Self.row(1), Self.row(2)]),
        ])
        let bytes = try #require(try fixture.store.readAudit([3, 0, 0, 0, 0, 0, 0, 0, 1]))
        #expect(Disclosures(bytes)?.rows.count == 2)
        let line = try #require(try fixture.lines().last)
        #expect(line.contains("\"values\":[1,2]"))
        #expect(line.hasSuffix(",\"disclosures\":\"\(TreeHash(contentOf: bytes).hexadecimal)\"}"))
        let directory = fixture.file("export")
        _ = try fixture.log.export(to: directory.path)
        let report = LogVerifier.verify(
            directory: directory.path, key: fixture.signer.key, olderCheckpoints: [])
        #expect(report.isIntact && report.entriesVerified == 2)
        let files = try #require(FileManager.default.enumerator(atPath: directory.path))
        for case let path as String in files {
            guard let content = FileManager.default.contents(atPath: "\(directory.path)/\(path)")
            else { continue }
            #expect(content.range(of: Data(Self.link(1).bytes)) == nil)
            #expect(!String(decoding: content, as: UTF8.self).contains(Self.link(1).description))
        }
    }

    @Test("is there after a start, and one without its entry refuses the start")
    func recovery() async throws {
        let fixture = try AuditFixture()
        for number in 0..<300 {
            try await fixture.records([Self.release([Self.row(UInt64(number))])])
        }
        let before = try fixture.checkpoint()
        try fixture.reopen()
        #expect(try fixture.checkpoint() == before)
        let answer = try await fixture.log.recipients(of: [Self.link(299)])
        #expect(answer.recipients.first?.entries.ranges == [299...299])
        try await fixture.tampers(
            key: AuditFamily.attachmentKey(300), value: Disclosures(rows: []).bytes)
        #expect(
            throws: StoreError.corrupt(
                "audit entry 300 is missing, but what it disclosed is there")
        ) { try fixture.reopen() }
    }

    @Test("that was altered is noticed, and no answer is made of it")
    func altered() async throws {
        let fixture = try AuditFixture()
        try await fixture.records([Self.release([Self.row(1)])])
        try await fixture.tampers(
            key: AuditFamily.attachmentKey(0), value: Disclosures(rows: [Self.row(2)]).bytes)
        try fixture.reopen()
        await #expect(
            throws: StoreError.corrupt(
                "what audit entry 0 disclosed is not what its hash says")
        ) { try await fixture.log.recipients(of: [Self.link(1)]) }
    }

    @Test("is forgotten when it is old, in rounds that are on record; answers say so")
    func forgetting() async throws {
        let fixture = try AuditFixture()
        let count = AuditLog.forgottenCountMax + 10
        let old = Self.release([Self.row(1)])
        try await fixture.records(Array(repeating: old, count: count))
        let noon = AuditFixture.noon
        fixture.clock.now = noon + 1_000
        try await fixture.records([Self.release([Self.row(1)], client: "later")])
        #expect(try await fixture.log.forgetDisclosures(before: noon) == 0)
        #expect(try await fixture.log.forgetDisclosures(before: noon + 1) == count - 10)
        #expect(try await fixture.log.forgetDisclosures(before: noon + 1) == 10)
        #expect(try await fixture.log.forgetDisclosures(before: noon + 1) == 0)
        let told = try fixture.lines(AuditFilter(act: .disclosuresForgotten))
        #expect(told.count == 2)
        #expect(told[1].contains("\"entries\":\"10\""))
        try fixture.reopen()
        #expect(try await fixture.log.forgetDisclosures(before: noon + 1) == 0)

        let answer = try await fixture.log.recipients(of: [Self.link(1)])
        #expect(answer.recipients.map(\.client) == ["later"])
        #expect(answer.unknown.ranges == [0...UInt64(count - 1)])
        #expect(answer.exactAfter == noon)
        let later = try await fixture.log.recipients(of: [Self.link(1)], from: noon + 1)
        #expect(later.recipients.map(\.client) == ["later"])
        #expect(later.unknown.ranges.isEmpty && later.exactAfter == nil)
        #expect(later.basis.first == UInt64(count))
    }

    @Test("with more than 64 names says that it may be fewer")
    func manyNames() async throws {
        let fixture = try AuditFixture()
        var entry = Self.release([Self.row(1, opened: .max)])
        entry.fields = (100..<170).map { "f\($0)" }
        try await fixture.records([entry])
        let answer = try await fixture.log.recipients(of: [Self.link(1)])
        #expect(answer.recipients.first?.fields == entry.fields)
        #expect(answer.recipients.first?.fieldsMayBeMore == true)
    }

    @Test("a log longer than a slice is looked at to its end")
    func slices() async throws {
        let fixture = try AuditFixture()
        let count = AuditLog.sliceEntriesMax * 2 + 7
        let other = AuditEntry(act: .tokenIssued, client: "t")
        let releases = (0..<300).map { _ in Self.release([Self.row(1)]) }
        try await fixture.records(Array(repeating: other, count: count) + releases)
        let answer = try await fixture.log.recipients(of: [Self.link(1)])
        #expect(answer.basis.lookedAt == UInt64(count + releases.count))
        #expect(answer.basis.matched == releases.count)
        #expect(answer.basis.size == fixture.log.size)
        #expect(answer.basis.root == (try fixture.checkpoint()).root)
        #expect(answer.recipients.first?.events == UInt64(releases.count))
    }

    @Test("slices end by the bytes of entries, and of what lies beside them, and lose none")
    func largeSlices() async throws {
        let fixture = try AuditFixture()
        // Entries of some 30 KiB each, more than a slice holds.
        var wide = Self.release([Self.row(1)])
        wide.fields = (0..<1_000).map { "a-field-with-a-longer-name-\($0)" }
        let count = AuditLog.sliceLeafBytesMax / 30_000 + 20
        for _ in 0..<4 {
            try await fixture.records(Array(repeating: wide, count: count / 4))
        }
        let wideCount = count / 4 * 4
        // Then entries of many sequences each.
        let rows = (1...60_000).map { Self.row(UInt64($0)) }
        let large = Self.release(rows)
        let largeCount = AuditLog.sliceDisclosureBytesMax / (rows.count * 22) + 4
        for _ in 0..<largeCount { try await fixture.records([large]) }
        try await fixture.records([Self.release([Self.row(1)], client: "last")])
        let total = UInt64(wideCount + largeCount + 1)
        for links in [[Self.link(1)], [Self.link(60_000), Self.link(1)]] {
            let answer = try await fixture.log.recipients(of: Set(links))
            #expect(answer.basis.lookedAt == total && answer.basis.matched == Int(total))
            #expect(answer.recipients.map(\.client) == ["c", "last"])
            #expect(answer.recipients[0].entries.ranges == [0...total - 2])
        }
        let uses = try await fixture.log.uses(matching: AuditFilter(), countsSequences: true)
        #expect(uses.uses.map(\.sequences.value) == [60_000, 1])
        let some = try await fixture.log.recipients(
            of: [Self.link(1)], to: AuditFixture.noon)
        #expect(some.basis.lookedAt == 0)
    }

    @Test(
        "the hash of what an entry disclosed is read off its end, and nothing else is taken for it")
    func hashOfLeaf() {
        let hash = TreeHash(contentOf: [1, 2, 3])
        func found(_ leaf: String) -> TreeHash? {
            Array(leaf.utf8).withUnsafeBytes { ScanSlice.disclosuresHash($0) }
        }
        let member = ",\"disclosures\":\"\(hash.hexadecimal)\""
        #expect(found("{\"act\":\"release\"\(member)}") == hash)
        #expect(found("{\"act\":\"release\"}") == nil)
        #expect(found("}") == nil && found("") == nil)
        #expect(found("{\"act\":\"release\"\(member.dropLast(2))g\"}") == nil)
        // A name that looks like it, as a leaf writes it.
        let name = String(decoding: LeafText.string("x\(member)"), as: UTF8.self)
        #expect(found("{\"client\":\(name)}") == nil)
    }

    @Test("an entry is read back member by member", arguments: LeafTextTests.hostile)
    func leaf(name: String) throws {
        var entry = AuditEntry(
            act: .release, client: name, role: name, stream: name, derivedStream: name,
            partition: 3, offsets: (Offset(rawValue: 1), Offset(rawValue: .max)),
            fields: [name, "b"], contracts: [name], purposes: [1, 63], events: 5, keyLinks: 6,
            sealedFields: 7, detail: ["reason": name, "x": ""])
        entry.values = [3, 0]
        entry.disclosures = Disclosures(rows: [Self.row(1)])
        let draft = AuditLog.draft(entry)
        let line = Array(#"{"n":8,"at":"2026-11-23T12:00:00.000Z","#.utf8) + draft.body + [0x7D]
        let leaf = try #require(line.withUnsafeBytes { AuditLeaf($0) })
        #expect(leaf.number == 8 && leaf.at == AuditFixture.noon && leaf.act == "release")
        for text in [leaf.client, leaf.role, leaf.stream, leaf.derivedStream] {
            #expect(text.map { Array($0.utf16) } == Array(name.utf16))
        }
        #expect(leaf.fields == [name, "b"] && leaf.values == [3, 0])
        #expect(leaf.contracts == [name] && leaf.purposes == [1, 63])
        #expect(leaf.partition == 3 && leaf.offsets == 1...UInt64.max)
        #expect(leaf.events == 5 && leaf.keyLinks == 6 && leaf.sealedFields == 7)
        #expect(leaf.detail == ["reason": name, "x": ""] && leaf.omitted == 0)
        #expect(leaf.disclosures == draft.attachment.map { TreeHash(contentOf: $0) })
        for end in 1..<line.count {
            #expect(Array(line[..<end]).withUnsafeBytes { AuditLeaf($0) } == nil)
        }
    }

    @Test("numbers as ranges are the numbers that were added")
    func ranges() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var ranges = NumberRanges()
            var model: Set<UInt64> = []
            for _ in 0..<30 {
                let start = UInt64.random(in: 0..<80, using: &random)
                let range = start...(start + UInt64.random(in: 0..<6, using: &random))
                ranges.add(range)
                model.formUnion(range)
            }
            #expect(ranges.ranges.flatMap { Array($0) } == model.sorted())
            #expect(
                zip(ranges.ranges, ranges.ranges.dropFirst())
                    .allSatisfy { $0.upperBound + 1 < $1.lowerBound })
        }
        var many = NumberRanges()
        for number in 0..<UInt64(NumberRanges.rangesMax + 1) { many.add(number * 2) }
        #expect(many.isCut && many.ranges.count == NumberRanges.rangesMax)
        many.add(0...UInt64.max)
        #expect(many.ranges == [0...UInt64.max])
    }
}
