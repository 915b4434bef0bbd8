import AuditProof
import Buckets
import Store

/// Names of objects. They sort by time within a stream, say what they hold, and are the same for
/// each try of a batch:
///
///     [PREFIX/]YYYY/MM/DD/STREAM-YYYYMMDDTHHMMSSZ-pPARTITION-FIRST-LAST.jsonl[.gz|.zst]
enum ObjectNaming {
    /// nil: a time that has no four-digit year, or a prefix that is too long for a name.
    static func data(
        _ definition: ExporterDefinition, partition: Int, first: Offset, end: Offset,
        plannedAt: Milliseconds
    ) -> String? {
        guard (0...LeafHeader.millisecondsMax).contains(plannedAt) else { return nil }
        // 2026-11-25T06:01:00.000Z
        let time = LeafHeader.timeText(plannedAt)
        let day = time.prefix(10)
        let stamp = time.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        let prefix = definition.pathPrefix.isEmpty ? "" : definition.pathPrefix + "/"
        let name =
            prefix + day.replacing("-", with: "/") + "/\(definition.stream)-\(stamp)"
            + "-p\(partition)-\(padded(first.rawValue))-\(padded(end.rawValue - 1))"
            + ".jsonl" + suffix(definition.compression)
        return ObjectName(name)?.text
    }

    static func suffix(_ compression: ExporterDefinition.Compression) -> String {
        switch compression {
        case .none: ""
        case .gzip: ".gz"
        case .zstd: ".zst"
        }
    }

    static func contentType(_ compression: ExporterDefinition.Compression) -> String {
        switch compression {
        case .none: "application/x-ndjson"
        case .gzip: "application/gzip"
        case .zstd: "application/zstd"
        }
    }

    /// Fifteen digits, so that names sort by offset.
    private static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 15 - digits.count)) + digits
    }
}
