import Audit
import Contracts
import Query
import Store

/// What exporters put on record.
enum ExportRecord {
    /// A batch that lies in its bucket.
    static func batch(
        _ manifest: BatchManifest, sha256: String, _ reader: Query.Reader
    ) -> AuditEntry {
        let content = manifest.written.content
        var entry = entry(
            .batchExported, manifest.exporter, reader, manifest.plan.partition,
            Offset(rawValue: manifest.plan.first), Offset(rawValue: manifest.plan.end))
        entry.fields = content.openedFields.sorted()
        entry.contracts = content.contracts.sorted()
        entry.purposes = content.openedLevels.levels
        entry.events = content.events
        entry.sealedFields = content.sealedFields
        entry.detail["object"] = manifest.plan.object
        entry.detail["sha256"] = manifest.written.sha256
        entry.detail["manifest-sha256"] = sha256
        if let keys = manifest.written.keys { entry.detail["keys"] = String(keys.keyLinks) }
        return entry
    }

    /// Events that expired before they could be exported; nothing if there are none.
    static func lost(
        _ events: UInt64, _ exporter: ExporterDefinition, _ reader: Query.Reader,
        _ partition: Int, _ first: Offset, _ end: Offset
    ) -> [AuditEntry] {
        guard events > 0 else { return [] }
        var entry = entry(.exportLost, exporter, reader, partition, first, end)
        entry.events = Int(clamping: events)
        return [entry]
    }

    private static func entry(
        _ act: Act, _ exporter: ExporterDefinition, _ reader: Query.Reader, _ partition: Int,
        _ first: Offset, _ end: Offset
    ) -> AuditEntry {
        var entry = AuditEntry(act: act, client: reader.client, role: reader.role)
        entry.stream = reader.target.source.name
        entry.derivedStream = reader.target.derived?.name
        entry.partition = partition
        entry.offsets = (first, Offset(rawValue: end.rawValue - 1))
        entry.detail = ["exporter": exporter.name, "connector": exporter.connector]
        return entry
    }
}
