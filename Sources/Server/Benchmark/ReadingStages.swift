import Contracts
import Ingest
import Query
import Store

/// From the store to a page. Plaintext comes out of `Query` only, with its audit entry, here as
/// everywhere: opening alone has no row.
final class ReadingStages {
    private let site: BenchmarkSite
    private let meter: StageMeter
    private let scale: StageBenchmark.Scale
    private let sealed: Query.Reader
    private let derived: Query.Reader

    init(_ site: BenchmarkSite, _ meter: StageMeter, _ scale: StageBenchmark.Scale) {
        self.site = site
        self.meter = meter
        self.scale = scale
        sealed = Query.Reader(
            client: "benchmark", role: "streamOwner", target: .stream(site.stream))
        let definition = DerivedStreamDefinition(
            name: "benchmark-1-4", id: StreamID(rawValue: 2), source: site.stream.name,
            mode: .granular, levels: ConsentLevels(bits: 1 << 1 | 1 << 4), createdAt: site.now,
            createdBy: "benchmark")
        derived = Query.Reader(
            client: "benchmark", role: "reader",
            target: .derived(definition, source: site.stream))
    }

    var all: [Stage] {
        let page = BenchmarkSite.storedEvents
        return [
            Stage("scan: iterator and checksum, nothing copied [cpu]") { try self.scan() },
            Stage("sealed read: pages of \(page) events, scanned and copied [elapsed]") {
                try await self.read(self.sealed, pages: self.scale.pages, limit: page)
            },
            Stage(
                "derived read: pages of \(page), 2 fields opened, 1 synced audit entry [elapsed]"
            ) {
                try await self.read(self.derived, pages: self.scale.pages, limit: page)
            },
            Stage("derived read: pages of 1, 2 fields opened, 1 synced audit entry [elapsed]") {
                try await self.read(self.derived, pages: self.scale.singlePages, limit: 1)
            },
        ]
    }

    private func scan() throws -> StageSample {
        let limit = BenchmarkSite.storedEvents
        var bytes = 0
        return try meter.processorTime(events: scale.pages * limit) {
            for _ in 0..<scale.pages {
                let end = try site.store.read(
                    site.target.partition, from: Offset(rawValue: 0), limit: limit, notBefore: 0
                ) { event in
                    bytes += event.json.count
                    return true
                }
                guard end.next.rawValue == limit, bytes > 0 else {
                    throw StageBenchmarkError.unexpected("a scan found too few events")
                }
            }
        }
    }

    /// Reads the first page of the stream again and again.
    private func read(_ reader: Query.Reader, pages: Int, limit: Int) async throws -> StageSample {
        let isDerived = reader.role == derived.role
        let openedBefore = site.query.statistics.openedFields
        let sample = try await meter.elapsedTime(events: pages * limit) {
            for _ in 0..<pages {
                let page = try await site.query.page(reader, Query.Request(limit: limit))
                guard page.count == limit else {
                    throw StageBenchmarkError.unexpected("a page holds \(page.count) events")
                }
            }
        }
        let opened = Int(site.query.statistics.openedFields - openedBefore)
        guard opened == (isDerived ? 2 * pages * limit : 0) else {
            throw StageBenchmarkError.unexpected("\(opened) fields were opened")
        }
        return sample
    }
}
