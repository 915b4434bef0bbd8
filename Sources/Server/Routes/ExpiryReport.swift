import Audit
import Store
import Vault

/// What has expired for good, by the audit log, and what is due when, by the keyring and the disk.
///
/// Two things end: an epoch's keys, after which every copy of its events is unreadable wherever it
/// lies, and a day's events on this disk. The keys of a day end one day later than its events,
/// since a key seals for 24 hours.
struct ExpiryReport: Sendable {
    /// A report looks at no more entries than this; `next` says where another goes on.
    static let entriesMax: UInt64 = 1_000_000
    /// And lists no more that was destroyed.
    static let linesMax = 10_000

    let engine: Engine
    let now: Milliseconds

    /// Blocks: reads the audit log.
    func answer(
        from: Milliseconds?, to: Milliseconds?, after: UInt64
    ) throws -> WireValue {
        let past = try past(from: from, to: to, after: after)
        let report = engine.vault.report
        let snapshot = engine.catalog.snapshot
        var streams: [RetentionClass: [String]] = [:]
        for stream in snapshot.streams.values.map(\.value) {
            streams[stream.retention, default: []].append(stream.name)
        }
        return [
            "at": .string(WireTime.format(now)),
            "isDestructionOnHold": .bool(engine.vault.statistics.isDestructionOnHold),
            "destroyed": .array(past.epochs), "dropped": .array(past.days),
            "next": .integer(Int64(clamping: past.next)), "isComplete": .bool(past.isComplete),
            "due": .array(report.epochs.map(Self.wire)),
            "dueDays": .array(engine.store.keptDays.map(Self.wire)),
            "streams": .array(
                streams.sorted { $0.key < $1.key }.map { retention, names in
                    [
                        "retentionDays": .integer(Int64(retention.days)),
                        "streams": .array(names.sorted().map(WireValue.string)),
                    ]
                }),
        ]
    }

    private struct Past {
        var epochs: [WireValue] = []
        var days: [WireValue] = []
        var next: UInt64
        var isComplete = false
    }

    /// One pass for each act, page by page: both look at the same entries of a page.
    private func past(
        from: Milliseconds?, to: Milliseconds?, after: UInt64
    ) throws(StoreError) -> Past {
        var past = Past(next: after)
        while !past.isComplete, past.next - after < Self.entriesMax,
            past.epochs.count + past.days.count < Self.linesMax
        {
            let start = past.next
            let epochs = try page(.epochDestroyed, from, to, start)
            let days = try page(.daysDropped, from, to, start)
            past.next = min(epochs.next, days.next)
            past.isComplete = epochs.isComplete && days.isComplete
            past.epochs += epochs.lines.filter { $0.sequence < past.next }.compactMap(Self.line)
            past.days += days.lines.filter { $0.sequence < past.next }.compactMap(Self.line)
        }
        return past
    }

    private func page(
        _ act: Act, _ from: Milliseconds?, _ to: Milliseconds?, _ start: UInt64
    ) throws(StoreError) -> AuditPage {
        try engine.audit.entries(
            matching: AuditFilter(from: from, to: to, act: act), from: start, limit: 1_000)
    }

    /// What an entry says, with its number: anybody can look it up and prove it.
    private static func line(_ entry: AuditLine) -> WireValue? {
        guard let value = try? WireParser.parse(Array(entry.line.utf8)),
            case .object(let detail)? = value["detail"]
        else { return nil }
        var members: [(name: String, value: WireValue)] = [
            ("entry", .integer(Int64(clamping: entry.sequence))), ("at", value["at"] ?? .null),
        ]
        for (name, member) in detail {
            guard case .string(let text) = member else { continue }
            switch name {
            case "day": members.append((name, member))
            case "epoch": members.append((name, .integer(Int64(text) ?? 0)))
            case "retention":
                members.append(("retentionDays", .integer(Int64(text.dropLast()) ?? 0)))
            default: continue
            }
        }
        return .object(members)
    }

    static func wire(_ epoch: Vault.Report.Epoch) -> WireValue {
        [
            "epoch": .integer(Int64(epoch.epoch)), "day": .string("\(epoch.day)"),
            "retentionDays": .integer(Int64(epoch.retention.days)),
            "destroyedFrom": .string(WireTime.format(epoch.destroyedFrom)),
        ]
    }

    private static func wire(_ day: KeptDay) -> WireValue {
        [
            "day": .string("\(day.day)"), "retentionDays": .integer(Int64(day.retention.days)),
            "droppedFrom": .string(WireTime.format(day.droppedFrom)),
        ]
    }
}
