import ArgumentParser
import Foundation

/// The things that management commands create, get, list and delete: where they are on the
/// server, and how they look in a table.
enum Entity {
    case contract, stream, purpose, client, connector, batchExporter

    var collection: String {
        switch self {
        case .contract: "/v1/contracts"
        case .stream: "/v1/streams"
        case .purpose: "/v1/purposes"
        case .client: "/v1/clients"
        case .connector: "/v1/connectors"
        case .batchExporter: "/v1/exporters"
        }
    }

    var plural: String {
        switch self {
        case .contract: "contracts"
        case .stream: "streams"
        case .purpose: "purposes"
        case .client: "clients"
        case .connector: "connectors"
        case .batchExporter: "exporters"
        }
    }

    /// The members that a list shows, in this order.
    private var columns: [String] {
        switch self {
        case .contract: ["ref", "state", "number", "schemaRef", "createdAt"]
        case .stream:
            ["name", "kind", "derivedFrom", "state", "purposes", "retentionDays", "createdAt"]
        case .purpose: ["level", "name", "legalBasis", "owner", "description", "changedAt"]
        case .client: ["clientId", "role", "scope", "createdAt"]
        case .connector: ["name", "type", "bucket", "region", "endpoint", "path", "credentials"]
        case .batchExporter: ["name", "stream", "connector", "state", "lagEvents", "alarm"]
        }
    }

    /// Those that come first when one thing is shown, in this order; all others follow by name.
    private var firstMembers: [String] {
        guard self == .batchExporter else { return columns }
        return [
            "name", "stream", "connector", "state", "error", "failures", "retryAt", "alarm",
            "lagEvents", "oldestUnexportedAt", "lossAt", "lostEvents", "batches", "events", "bytes",
            "lastObject", "lastBatchAt", "nextOffsets", "intervalSeconds", "pathPrefix",
            "compression", "batchBytesMax", "includeKeys", "manifestKey",
        ]
    }

    /// The members that are never shown in a table: a secret has its own line, once; that an
    /// exporter is paused is its state.
    private static let hidden: Set<String> = [
        "client", "clientSecret", "document", "isPaused", "warnings",
        "comparison",
    ]

    /// The path of the one named `name`; a contract's name is `handle/name/version`.
    func path(_ name: String) throws(CommandFailure) -> String {
        guard self == .contract else { return "\(collection)/\(Self.escape(name))" }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
            throw CommandFailure(
                .failed, "'\(name)' does not name a contract",
                next: "handle/name/version, such as example/clickstream/1.0.0")
        }
        return collection + parts.map { "/\(Self.escape(String($0)))" }.joined()
    }

    /// A path component or query value: everything but the unreserved characters of RFC 3986 §2.3
    /// is percent-encoded.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                escaped += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return escaped
    }

    /// One thing, with all its members; `more` are further lines of a table.
    func show(
        _ item: JSONValue, as format: OutputFormat, more: KeyValuePairs<String, String> = [:]
    ) {
        guard format == .table, case .object(let members) = item else {
            return Terminal.print(item.text())
        }
        let shown = members.filter {
            !Self.hidden.contains($0.key) && $0.value != .null && $0.value != .string("")
        }
        let ordered = shown.sorted { first, second in
            (rank(first.key), first.key) < (rank(second.key), second.key)
        }
        let lines = ordered.map { (Table.words($0.key), Self.cell($0.key, $0.value)) }
        Terminal.print(Table.card(lines + more.map { ($0.key, $0.value) }))
        for warning in members["warnings"]?.array ?? [] {
            Terminal.print("\nwarning: " + (warning["text"]?.string ?? ""))
        }
        if let comparison = members["comparison"] {
            Terminal.print("\ncompared with \(comparison["with"]?.string ?? ""):")
            ContractDiff.show(comparison)
        }
        if let document = members["document"] { Terminal.print("\n" + document.text()) }
    }

    /// Many, a line each.
    func showList(_ answer: JSONValue, as format: OutputFormat) {
        guard format == .table else { return Terminal.print(answer.text()) }
        let items = answer["items"]?.array ?? []
        var table = Table(columns)
        for item in items {
            table.add(columns.map { listCell($0, of: item) })
        }
        Terminal.print(table.text)
    }

    private func rank(_ member: String) -> Int {
        firstMembers.firstIndex(of: member) ?? firstMembers.count
    }

    /// An alarm's sentence speaks of `lossAt`, which a list does not show: it gets the time itself.
    private func listCell(_ name: String, of item: JSONValue) -> String {
        guard let value = item[name] else { return "" }
        if self == .batchExporter, name == "alarm", value != .null,
            let time = item["lossAt"]?.string
        {
            return "retention takes events from \(time)"
        }
        return Self.cell(name, value)
    }

    /// A member for a table; times, which are milliseconds on the wire, as RFC 3339.
    static func cell(_ name: String, _ value: JSONValue) -> String {
        if name == "purposes", let purposes = value.array { return purposeWords(purposes) }
        if name == "approval" { return approvalWords(value) }
        if name == "masks", let masks = value.array { return maskWords(masks) }
        guard name == "at" || name.hasSuffix("At"), let milliseconds = value.integer else {
            return value.cell
        }
        return Timestamp.text(milliseconds)
    }
}

extension Entity {
    /// `1 Analytics, 4 Personal offers`
    private static func purposeWords(_ purposes: [JSONValue]) -> String {
        purposes.map { purpose in
            [purpose["level"]?.cell, purpose["name"]?.string].compactMap { $0 }.joined(
                separator: " ")
        }.joined(separator: ", ")
    }

    /// `example/clickstream:customer/email, example/order:notes (murmur3, weak)`
    private static func maskWords(_ masks: [JSONValue]) -> String {
        masks.map { mask in
            let isWeak = mask["weak"] == .boolean(true)
            return "\(mask["contract"]?.cell ?? ""):\(mask["field"]?.cell ?? "")"
                + (isWeak ? " (\(mask["type"]?.cell ?? ""), weak)" : "")
        }.joined(separator: ", ")
    }

    /// `approved by c-…, 2026-11-25T…: reason`
    private static func approvalWords(_ approval: JSONValue) -> String {
        var text = approval["state"]?.string ?? ""
        if let client = approval["decidedBy"]?.string { text += " by \(client)" }
        if approval["isSelfApproved"] == .boolean(true) { text += " (who also wrote it)" }
        if let time = approval["decidedAt"]?.string { text += ", \(time)" }
        if let reason = approval["reason"]?.string { text += ": \(reason)" }
        return text
    }
}

/// Points in time, as the command line reads and prints them.
enum Timestamp {
    static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Milliseconds since 1970 of `now`, `90s`, `15m`, `2h`, `7d` (so long before `now`), of
    /// RFC 3339, or of a plain number of milliseconds. nil for anything else.
    static func parse(_ text: String, now: Date) -> Int64? {
        let current = Int64(now.timeIntervalSince1970 * 1000)
        if text == "now" { return current }
        if let milliseconds = Int64(text), milliseconds >= 0 { return milliseconds }
        let units: [Character: Int64] = [
            "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
        ]
        if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (0...1_000_000).contains(count)
        {
            return current - count * unit
        }
        for style in [
            Date.ISO8601FormatStyle(includingFractionalSeconds: true), Date.ISO8601FormatStyle(),
        ] {
            if let date = try? style.parse(text) {
                return Int64((date.timeIntervalSince1970 * 1000).rounded())
            }
        }
        return nil
    }
}
