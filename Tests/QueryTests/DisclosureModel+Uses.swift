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
            let way = UseAnswer(
                act: page.act, client: page.client, derived: page.derived,
                purposes: page.levels.sorted(), isExported: page.isExported)
            var found = answers[way] ?? (way, [], [])
            let hashed = page.hashed.filter { question.field == nil || question.field == $0 }
            found.answer.hashed = Set(found.answer.hashed).union(hashed).sorted()
            let isOpened =
                page.act == .keysExported || question.field == nil
                || page.values[question.field ?? ""] != nil
            if isOpened {
                found.answer.events += page.events
                found.answer.entries.append(page.entry)
                if let range = page.offsets { found.offsets.formUnion(range) }
                found.links.formUnion(page.keys)
                for (field, count) in page.values
                where question.field == nil || question.field == field {
                    found.answer.values[field, default: 0] += count
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

    private func agrees(_ page: Page, _ question: Question) -> Bool {
        guard page.at >= question.from ?? .min, page.at < question.to ?? .max else { return false }
        if let client = question.client, client != page.client { return false }
        if let purpose = question.purpose, !page.levels.contains(purpose) { return false }
        guard let field = question.field, page.act == .release else { return true }
        return page.values[field] != nil || page.hashed.contains(field)
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
