import Foundation
import Store

@testable import Audit
@testable import Query

extension DisclosureModel {
    /// A page as a whole, or a portion of keys.
    struct Page {
        var entry: UInt64
        var at: Milliseconds
        var act: Act
        var client: String
        var derived: String?
        var levels: Set<Int> = []
        var values: [String: Int] = [:]
        var hashed: Set<String> = []
        var links: [String: Set<KeyLink>] = [:]
        var keys: Set<KeyLink> = []
        var events = 0
        var offsets: ClosedRange<UInt64>?
        var isExported = false
    }

    struct Question {
        var field: String?
        var client: String?
        var purpose: Int?
        var from: Milliseconds?
        var to: Milliseconds?
    }

    struct UseAnswer: Hashable {
        var act: Act
        var client: String
        var derived: String?
        var purposes: [Int]
        var isExported: Bool
        var values: [String: Int] = [:]
        var hashed: [String] = []
        var events = 0
        var sequences = 0
        var entries: [UInt64] = []
        var hashedEntries: [UInt64] = []
        var offsets: [UInt64] = []
    }

    func uses(_ question: Question) -> Set<UseAnswer> {
        var answers: [UseAnswer: (answer: UseAnswer, links: Set<KeyLink>, offsets: Set<UInt64>)] =
            [:]
        for page in pages where agrees(page, question) {
            var way = UseAnswer(
                act: page.act, client: page.client, derived: page.derived,
                purposes: page.levels.sorted(), isExported: page.isExported)
            if let purpose = question.purpose, page.act == .release { way.purposes = [purpose] }
            var found = answers[way] ?? (way, [], [])
            let hashed = page.hashed.filter { question.field == nil || question.field == $0 }
            found.answer.hashed = Set(found.answer.hashed).union(hashed).sorted()
            let wanted = wantedFields(page, question)
            let asksForAll = question.field == nil && question.purpose == nil
            if page.act == .keysExported || asksForAll || !wanted.isEmpty {
                found.answer.events += page.events
                found.answer.entries.append(page.entry)
                if let range = page.offsets { found.offsets.formUnion(range) }
                found.links.formUnion(page.keys)
                for field in wanted {
                    found.answer.values[field, default: 0] += page.values[field] ?? 0
                    found.links.formUnion(page.links[field] ?? [])
                }
            } else {
                found.answer.hashedEntries.append(page.entry)
            }
            answers[way] = found
        }
        return Set(
            answers.values.map { found in
                var answer = found.answer
                answer.sequences = found.links.count
                answer.offsets = found.offsets.sorted()
                return answer
            })
    }

    /// Each release once for each of its levels.
    func usesByLevel(_ question: Question) -> Set<UseAnswer> {
        let levels = Set(pages.flatMap(\.levels)).filter {
            question.purpose == nil || question.purpose == $0
        }
        return Set(
            levels.flatMap { level in
                var one = question
                one.purpose = level
                return uses(one).filter { $0.act == .release }
            })
    }

    private func wantedFields(_ page: Page, _ question: Question) -> [String] {
        page.values.keys.filter { field in
            (question.field == nil || question.field == field)
                && (question.purpose == nil || question.purpose == Self.levels[field])
        }
    }

    private func agrees(_ page: Page, _ question: Question) -> Bool {
        guard page.at >= question.from ?? .min, page.at < question.to ?? .max else { return false }
        if let client = question.client, client != page.client { return false }
        // Keys open fields of every level.
        guard page.act == .release else { return true }
        if let purpose = question.purpose, !page.levels.contains(purpose) { return false }
        if question.field == nil, question.purpose == nil { return true }
        return !wantedFields(page, question).isEmpty
            || page.hashed.contains { question.field == nil || question.field == $0 }
    }
}

extension DisclosureModel.UseAnswer {
    init(_ use: AuditUses.Use) {
        self.init(
            act: use.way.act, client: use.way.client, derived: use.way.derivedStream,
            purposes: use.way.purposes, isExported: use.way.exporter != nil)
        values = use.values.mapValues { Int($0) }
        hashed = use.hashedFields.sorted()
        events = Int(use.events)
        sequences = use.sequences.value
        entries = use.entries.ranges.flatMap { Array($0) }
        hashedEntries = use.hashedEntries.ranges.flatMap { Array($0) }
        offsets = use.offsets[0]?.ranges.flatMap { Array($0) } ?? []
    }
}
