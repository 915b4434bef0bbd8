package import Store

/// Which fields of which contracts left in clear, over a period: the observed half of a record of
/// processing.
package struct AuditFields: Sendable, Equatable {
    package struct Name: Sendable, Hashable, Comparable {
        /// `handle/name/version`
        package var contract: String
        package var field: String

        package init(contract: String, field: String) {
            self.contract = contract
            self.field = field
        }

        package static func < (left: Self, right: Self) -> Bool {
            (left.contract, left.field) < (right.contract, right.field)
        }
    }

    package struct Figures: Sendable, Equatable {
        /// Values that were handed out, as often as they were.
        package var values: UInt64 = 0
        /// Different sequences of which a value was handed out.
        package var sequences = AuditCount(value: 0, isLowerBound: false)
        /// An entry held events of several contracts with this field, and does not tell their
        /// figures apart: they are counted for each.
        package var isUpperBound = false
        /// Clients, sorted.
        package var readers: [String] = []
        package var firstAt: Milliseconds
        package var lastAt: Milliseconds
    }

    /// Fields that are told apart at most; `isCut` says that there were more.
    package static let fieldsMax = 10_000

    package var figures: [Name: Figures] = [:]
    /// Different sequences of which any field was handed out.
    package var sequences = AuditCount(value: 0, isLowerBound: false)
    /// Those sequences, as far as they are told apart.
    package var links: Set<KeyLink> = []
    package var isCut = false
}

extension AuditLog {
    /// What a period's record of processing rests on, in one pass over the log.
    ///
    /// - Throws: `.corrupt` if an entry is not what was written.
    package func period(
        from: Milliseconds?, to: Milliseconds?
    ) async throws(StoreError) -> (uses: AuditUses, fields: AuditFields) {
        let filter = AuditFilter(from: from, to: to)
        var wanted = filter
        wanted.acts = UseQuestion.acts
        let (question, basis) = try await ask(PeriodQuestion(), matching: wanted)
        return (question.uses.answer(basis), question.fields.answer)
    }
}

/// Two questions in one pass.
struct PeriodQuestion: AuditQuestion {
    var uses = UseQuestion(field: nil, countsSequences: true)
    var fields = FieldQuestion()

    var readsDisclosures: Bool { true }

    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?) {
        uses.take(entry, told)
        fields.take(entry, told)
    }
}

struct FieldQuestion {
    private struct Collected {
        var figures: AuditFields.Figures
        var links: Set<KeyLink> = []
        var readers: Set<String> = []
    }

    private var collected: [AuditFields.Name: Collected] = [:]
    private var all: Set<KeyLink> = []
    private var allIsLowerBound = false
    private var linkCount = 0
    private var isCut = false

    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?) {
        // What a person was told of their own data is no use that somebody made of it.
        guard entry.act == Act.release.rawValue, !entry.fields.isEmpty else { return }
        if told == nil { allIsLowerBound = true }
        let names = entry.fieldContracts.isEmpty ? Self.names(of: entry) : [:]
        for (index, field) in entry.fields.enumerated() {
            let contracts =
                entry.contract(ofField: index).map { [$0] } ?? names[field] ?? entry.contracts
            for contract in contracts {
                let name = AuditFields.Name(contract: contract, field: field)
                guard var found = collected.removeValue(forKey: name) ?? made(entry) else {
                    isCut = true
                    continue
                }
                found.figures.lastAt = entry.at
                found.figures.values +=
                    index < entry.values.count ? UInt64(entry.values[index]) : 0
                if contracts.count > 1 { found.figures.isUpperBound = true }
                found.readers.insert(entry.client ?? "")
                if let told, entry.fields.count <= 64 {
                    count(told, mask: 1 << UInt64(index), &found)
                } else {
                    found.figures.sequences.isLowerBound = true
                }
                collected[name] = found
            }
        }
    }

    private func made(_ entry: AuditLeaf) -> Collected? {
        guard collected.count < AuditFields.fieldsMax else { return nil }
        return Collected(figures: .init(firstAt: entry.at, lastAt: entry.at))
    }

    private mutating func count(
        _ told: DisclosureBytes, mask: UInt64, _ found: inout Collected
    ) {
        for index in 0..<told.count {
            let row = told.row(at: index)
            guard row.opened & mask != 0 else { continue }
            if linkCount < AuditUses.sequencesMax {
                if found.links.insert(row.link).inserted { linkCount += 1 }
                all.insert(row.link)
            } else if !found.links.contains(row.link) {
                found.figures.sequences.isLowerBound = true
                allIsLowerBound = true
            }
        }
    }

    /// Contracts by field, of an entry of several contracts from before `fieldContracts`; empty if
    /// it does not tell.
    private static func names(of entry: AuditLeaf) -> [String: [String]] {
        guard entry.contracts.count > 1, entry.omitted == 0 else { return [:] }
        var names: [String: [String]] = [:]
        for contract in entry.contracts {
            for (key, text) in entry.detail
            where key.hasPrefix("contract-") && text.hasPrefix("\(contract): ") {
                // A text that was cut does not name all.
                guard !text.hasSuffix("\u{2026}") else { return [:] }
                for field in text.dropFirst(contract.count + 2).split(separator: " ") {
                    names[String(field), default: []].append(contract)
                }
            }
        }
        return Set(names.keys) == Set(entry.fields) ? names : [:]
    }

    var answer: AuditFields {
        var answer = AuditFields()
        answer.isCut = isCut
        answer.sequences = AuditCount(value: all.count, isLowerBound: allIsLowerBound)
        answer.links = all
        answer.figures = collected.mapValues { found in
            var figures = found.figures
            figures.sequences.value = found.links.count
            figures.readers = found.readers.sorted()
            return figures
        }
        return answer
    }
}
