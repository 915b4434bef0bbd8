import Audit
import AuditProof
import Contracts
import Export
import Store

/// The report as one document that needs nothing else: no script, no font, no image, no link.
extension ProcessingReport {
    var html: String {
        var page = HTMLText()
        page.raw(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Record of processing</title>
            <style>
            body { font: 14px/1.45 sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
            h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
            h3 { font-size: 1rem; }
            table { border-collapse: collapse; width: 100%; }
            th, td { border: 1px solid #999; padding: .3rem .5rem; text-align: left;
              vertical-align: top; overflow-wrap: anywhere; }
            th { background: #eee; }
            @page { size: A4 landscape; margin: 15mm; }
            @media print {
              body { font-size: 10px; margin: 0; max-width: none; padding: 0; }
              h2, h3 { break-after: avoid; } tr { break-inside: avoid; }
              thead { display: table-header-group; }
            }
            </style>
            </head>
            <body>
            <h1>Record of processing</h1>

            """)
        let start = from.map { WireTime.format($0) } ?? "the beginning"
        page.element(
            "p", "From \(start) to \(WireTime.format(to)), made \(WireTime.format(madeAt)).")
        addDeclared(to: &page)
        addObserved(to: &page)
        page.element("h2", "Declared, and nothing opened by it in this time")
        Self.add(neverUsed, to: &page)
        page.element("h2", "Used in this time, and not declared (any more)")
        Self.add(notDeclared, to: &page)
        addDecisions(to: &page)
        addBasis(to: &page)
        page.raw("</body>\n</html>\n")
        return page.html
    }

    private func addDeclared(to page: inout HTMLText) {
        page.element("h2", "Declared: purposes")
        page.table(
            ["Level", "Purpose", "Description", "Legal basis", "Owner"], purposeRows)
        page.element("h2", "Declared: personal fields")
        page.table(
            ["Contract", "State", "Field", "Level", "Names the person", "Approved by"], fieldRows)
        page.element("h2", "Declared: streams and derived streams")
        page.table(
            ["Stream", "Kept for days", "Keys may be exported", "Keeps refused events"],
            streamRows)
        page.table(
            ["Derived stream", "Of", "Levels", "Masked fields", "Approved", "By"], derivedRows,
            empty: "No derived stream.")
        page.element("h2", "Declared: who may get fields in clear")
        page.table(["Client", "Role", "Of", "Disabled"], readerRows + exporterRows)
    }

    private var purposeRows: [[String]] {
        catalog.purposes.sorted { $0.key < $1.key }.map { level, entry -> [String] in
            let purpose = entry.value
            return [
                String(level), purpose.name, purpose.description, purpose.legalBasis.rawValue,
                purpose.owner,
            ]
        }
    }

    private var fieldRows: [[String]] {
        var rows: [[String]] = []
        for contract in contracts {
            let record = contract.record
            let subject = contract.namesSubject ? "yes" : "no"
            let approver = record.approval?.decidedBy ?? ""
            for field in contract.fields {
                rows.append([
                    record.ref, record.state.rawValue, field.path, String(field.level), subject,
                    approver,
                ])
            }
        }
        return rows
    }

    private var streamRows: [[String]] {
        let streams = catalog.streams.values.map(\.value).sorted { $0.name < $1.name }
        return streams.map { stream -> [String] in
            let keys = stream.allowsKeyExport == true ? "yes" : "no"
            let keeps = stream.keepsRejections == true ? "yes" : "no"
            return [stream.name, String(stream.retention.days), keys, keeps]
        }
    }

    private var derivedRows: [[String]] {
        let streams = catalog.derivedStreams.values.map(\.value).sorted { $0.name < $1.name }
        return streams.map { derived -> [String] in
            let masked = (derived.masks ?? []).map(\.field).joined(separator: ", ")
            return [
                derived.name, derived.source, Self.list(derived.levels.levels), masked,
                derived.isApproved ? "yes" : "no", derived.approval?.decidedBy ?? "",
            ]
        }
    }

    private var readerRows: [[String]] {
        let readers = catalog.clients.values.map(\.value).filter {
            readsInClear($0) || $0.role == .dpo
        }
        return readers.sorted { $0.id < $1.id }.map { client -> [String] in
            [client.id, client.role.rawValue, client.scope ?? "", client.isDisabled ? "yes" : "no"]
        }
    }

    private var exporterRows: [[String]] {
        let exporters = catalog.exporters.values.map(\.value).filter { exportsInClear($0) }
            .sorted { $0.name < $1.name }
        return exporters.map { exporter -> [String] in
            [
                "exporter:\(exporter.name)", "exporter",
                "\(exporter.stream) to \(exporter.connector)",
                exporter.isPaused ? "paused" : "no",
            ]
        }
    }

    private func addObserved(to page: inout HTMLText) {
        page.element("h2", "Observed: fields that left in clear")
        page.element(
            "p",
            "Sequences of which a field left, each counted once a day: "
                + "\(Self.text(fields.sequences)).")
        page.table(
            ["Stream", "People of whom a field left"],
            people.map { [$0.stream, Self.text($0.count)] },
            empty: "No person is on record for them.")
        if unnamed.value > 0 || unnamed.isLowerBound {
            page.element(
                "p", "Sequences of which no person is on record: \(Self.text(unnamed)).")
        }
        page.table(
            ["Contract", "Field", "Values", "Sequences", "Readers", "First", "Last"],
            observedRows)
        page.element("h2", "Observed: who got what")
        page.table(
            [
                "Client", "By", "Derived stream", "Levels", "Fields (values)", "Only as hash",
                "Events", "Sequences", "First", "Last", "Entries of the log",
            ], useRows)
    }

    private var observedRows: [[String]] {
        fields.figures.sorted { $0.key < $1.key }.map { name, figures -> [String] in
            let atMost = figures.isUpperBound ? "at most " : ""
            return [
                name.contract, name.field, atMost + String(figures.values),
                Self.text(figures.sequences), figures.readers.joined(separator: ", "),
                WireTime.format(figures.firstAt), WireTime.format(figures.lastAt),
            ]
        }
    }

    private var useRows: [[String]] {
        uses.uses.map { use -> [String] in
            let values = use.values.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            let hashed = use.hashedFields.sorted().joined(separator: ", ")
            return [
                use.way.client, use.way.act.rawValue, use.way.derivedStream ?? use.way.stream,
                Self.list(use.way.purposes), values.joined(separator: ", "), hashed,
                String(use.events), Self.text(use.sequences), WireTime.format(use.firstAt),
                WireTime.format(use.lastAt), Self.list(use.entries),
            ]
        }
    }

    private static func add(_ difference: Difference, to page: inout HTMLText) {
        var rows: [[String]] = []
        for name in difference.fields { rows.append(["field", "\(name.contract): \(name.field)"]) }
        for level in difference.purposes { rows.append(["level", String(level)]) }
        for name in difference.derivedStreams { rows.append(["derived stream", name]) }
        for name in difference.streams { rows.append(["stream", name]) }
        for name in difference.readers { rows.append(["reader", name]) }
        page.table(["What", "Name"], rows)
    }

    private func addDecisions(to page: inout HTMLText) {
        page.element("h2", "Decisions")
        let leaves = decisions.compactMap { line in
            Array(line.utf8).withUnsafeBytes { AuditLeaf($0) }
        }
        page.table(
            ["Entry", "Time", "Who", "Role", "What", "Of"],
            leaves.map { leaf -> [String] in
                var subjects = [leaf.derivedStream ?? leaf.stream].compactMap { $0 }
                subjects += leaf.contracts
                subjects += leaf.purposes.map { "level \($0)" }
                for (key, value) in leaf.detail.sorted(by: { $0.key < $1.key }) {
                    subjects.append("\(key): \(value)")
                }
                return [
                    String(leaf.number), WireTime.format(leaf.at), leaf.client ?? "",
                    leaf.role ?? "", leaf.act, subjects.joined(separator: ", "),
                ]
            })
        if decisionsAreCut { page.element("p", "There were more.") }
    }

    private func addBasis(to page: inout HTMLText) {
        let basis = uses.basis
        page.element("h2", "What this rests on")
        page.element(
            "p",
            "\(basis.lookedAt) entries of the audit log were looked at, from number \(basis.first) "
                + "to before \(basis.end); \(basis.matched) of them are about fields that left. The "
                + "log had \(basis.size) entries with the root hash \(basis.root.base64).")
        if !uses.unknown.ranges.isEmpty {
            page.element(
                "p",
                "Of these entries it is not known any more which sequences they were about: "
                    + Self.list(uses.unknown))
        }
        if uses.isCut || fields.isCut {
            page.element("p", "There were more ways or fields than this report can hold.")
        }
        page.element("h3", "What it cannot know")
        page.raw("<ul>\n")
        for limit in Self.notKnown { page.element("li", limit) }
        page.raw("</ul>\n")
    }

    private static func text(_ count: AuditCount) -> String {
        (count.isLowerBound ? "at least " : "") + String(count.value)
    }

    private static func list(_ numbers: [Int]) -> String {
        numbers.map { String($0) }.joined(separator: ", ")
    }

    private static func list(_ numbers: NumberRanges) -> String {
        let shown = numbers.ranges.prefix(20).map {
            $0.lowerBound == $0.upperBound
                ? String($0.lowerBound) : "\($0.lowerBound)\u{2013}\($0.upperBound)"
        }
        let isCut = numbers.isCut || numbers.ranges.count > shown.count
        return shown.joined(separator: ", ") + (isCut ? " and more" : "")
    }
}
