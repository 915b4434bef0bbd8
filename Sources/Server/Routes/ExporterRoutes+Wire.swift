import Contracts
import Export
import Query
import Store

/// What is shown of exporters.
extension ExporterRoutes {
    func shown(_ status: ExporterStatus) -> WireValue {
        let (definition, progress) = (status.definition, status.progress)
        let members: [(name: String, value: WireValue)] = [
            ("name", .string(definition.name)), ("stream", .string(definition.stream)),
            ("connector", .string(definition.connector)),
            ("intervalSeconds", .integer(Int64(definition.intervalSeconds))),
            ("pathPrefix", .string(definition.pathPrefix)),
            ("compression", .string(definition.compression.rawValue)),
            ("batchBytesMax", .integer(Int64(definition.batchBytesMax))),
            ("includeKeys", .bool(definition.includesKeys)),
            ("isPaused", .bool(definition.isPaused)),
            ("createdAt", .string(WireTime.format(definition.createdAt))),
            ("createdBy", .string(definition.createdBy)),
            ("state", .string(status.state.rawValue)), ("error", .optional(status.error)),
            ("failures", .integer(Int64(status.failures))), ("retryAt", Self.time(status.retryAt)),
            ("lagEvents", .integer(Int64(clamping: status.lagEvents))),
            ("oldestUnexportedAt", Self.time(status.oldestUnexportedAt)),
            ("lossAt", Self.time(status.lossAt)), ("alarm", .optional(status.alarm)),
            ("batches", .integer(Int64(clamping: progress.batches))),
            ("events", .integer(Int64(clamping: progress.events))),
            ("bytes", .integer(Int64(clamping: progress.bytes))),
            ("lostEvents", .integer(Int64(clamping: progress.lostEvents))),
            ("lastObject", .optional(progress.lastObject)),
            ("lastBatchAt", Self.time(progress.lastBatchAt)),
            ("nextOffsets", .array(progress.nextOffsets.map { .integer(Int64(clamping: $0)) })),
            ("manifestKey", .string(exporters.verifierKey)),
        ]
        return .object(members)
    }

    private static func time(_ time: Milliseconds?) -> WireValue {
        .optional(time.map { WireTime.format($0) })
    }
}
