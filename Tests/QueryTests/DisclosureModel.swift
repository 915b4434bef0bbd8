import Foundation
import Store

@testable import Audit
@testable import Query

/// What readers received, read off the bytes that they got: knows nothing of how it was recorded.
struct DisclosureModel {
    /// One thing that one client received of one sequence by one page.
    struct Receipt {
        var entry: UInt64
        var at: Milliseconds
        var act: Act
        var client: String
        var derived: String?
        var link: KeyLink
        var fields: [String: Int] = [:]
        var hashed: Set<String> = []
        var levels: Set<Int> = []
        var events = 0
        var hashedEvents = 0
        var offsets: ClosedRange<UInt64>?
        var object: String?
    }

    static let levels = [
        "customer/email": 1, "customer/tier": 1, "customer/born": 2, "items/note": 2,
    ]

    private(set) var receipts: [Receipt] = []
    private(set) var pages: [Page] = []

    /// Notes a page of `Order` events whose `customer/zip` is their offset. False: nothing of it
    /// was opened or hashed, so that there must be no entry.
    /// - Parameter plainHash: of this path a value in clear is hashed too.
    mutating func note(
        _ body: [UInt8], entry: UInt64, at: Milliseconds, client: String, derived: String,
        object: String? = nil
    ) throws -> Bool {
        var found: [KeyLink: Receipt] = [:]
        var offsets: [UInt64] = []
        var page = Page(
            entry: entry, at: at, act: .release, client: client, derived: derived,
            isExported: object != nil)
        for line in body.split(separator: 0x0A) {
            let object = try JSONSerialization.jsonObject(with: Data(line))
            guard let fields = object as? [String: Any] else { continue }
            let event = Delivered(fields: fields)
            guard let link = KeyLink(event.keyLink),
                let offset = UInt64(event.text("customer/zip") ?? "")
            else { continue }
            var receipt =
                found[link]
                ?? Receipt(
                    entry: entry, at: at, act: .release, client: client, derived: derived,
                    link: link)
            var (isOpened, isHashed) = (false, false)
            for (path, text) in Self.values(event) {
                switch Self.kind(text) {
                case .sealed: continue
                case .plain:
                    receipt.fields[path, default: 0] += 1
                    page.values[path, default: 0] += 1
                    page.links[path, default: []].insert(link)
                    isOpened = true
                case .hash:
                    receipt.hashed.insert(path)
                    page.hashed.insert(path)
                    isHashed = true
                }
                receipt.levels.insert(Self.levels[path] ?? -1)
                page.levels.insert(Self.levels[path] ?? -1)
            }
            if isOpened { receipt.events += 1 }
            if isHashed { receipt.hashedEvents += 1 }
            let plainHash =
                (event.value("total") as? String).map { Self.kind($0) == .hash } ?? false
            if isOpened || isHashed || plainHash { offsets.append(offset) }
            if isOpened || isHashed { found[link] = receipt }
        }
        let range = offsets.first.flatMap { first in offsets.last.map { first...$0 } }
        for (_, receipt) in found {
            var receipt = receipt
            receipt.offsets = range
            receipt.object = object
            receipts.append(receipt)
        }
        page.offsets = range
        page.events = offsets.count
        if !offsets.isEmpty { pages.append(page) }
        return !offsets.isEmpty
    }

    mutating func noteKeys(
        _ links: [KeyLink], entry: UInt64, at: Milliseconds, client: String, object: String
    ) {
        pages.append(
            Page(
                entry: entry, at: at, act: .keysExported, client: client, keys: Set(links),
                isExported: true))
        for link in links {
            receipts.append(
                Receipt(
                    entry: entry, at: at, act: .keysExported, client: client, link: link,
                    object: object))
        }
    }

    /// For the control of a comparison: what the last release handed out is not known.
    mutating func forgetLast() {
        receipts.lastIndex { $0.act == .release }.map { _ = receipts.remove(at: $0) }
    }

    /// As if nothing but fields of this level, and keys, had been handed out.
    mutating func keeps(_ level: Int) {
        receipts = receipts.compactMap { receipt in
            guard receipt.act == .release else { return receipt }
            guard receipt.levels.contains(level) else { return nil }
            var receipt = receipt
            receipt.fields = receipt.fields.filter { Self.levels[$0.key] == level }
            receipt.levels = [level]
            return receipt.fields.isEmpty && receipt.hashed.isEmpty ? nil : receipt
        }
    }

    private enum Kind { case plain, hash, sealed }

    private static func kind(_ text: String) -> Kind {
        if text.contains("@") || text == "GOLD" || text == "PLAIN" || text.hasPrefix("note ")
            || (text.utf8.count == 4 && Int(text) != nil)
        {
            return .plain
        }
        let isHexadecimal = text.allSatisfy { "0123456789abcdef".contains($0) }
        return isHexadecimal && [32, 64].contains(text.count) ? .hash : .sealed
    }

    private static func values(_ event: Delivered) -> [(String, String)] {
        var values = ["customer/email", "customer/tier", "customer/born"].compactMap { path in
            event.text(path).map { (path, $0) }
        }
        for item in event.value("items") as? [[String: Any]] ?? [] {
            if let note = item["note"] as? String { values.append(("items/note", note)) }
        }
        return values
    }
}

extension DisclosureModel {
    /// The answer that the log must give.
    struct Answer: Equatable, Hashable {
        var act: Act
        var client: String
        var derived: String?
        var purposes: [Int]
        var fields: [String] = []
        var hashed: [String] = []
        var events = 0
        var hashedEvents = 0
        var links = 0
        var firstAt: Milliseconds = 0
        var lastAt: Milliseconds = 0
        var entries: [UInt64] = []
        var offsets: [UInt64] = []
        var objects: [String] = []
    }

    private struct Group: Hashable {
        var act: Act
        var client: String
        var derived: String?
        var purposes: [Int]
        var isExported: Bool
    }

    func recipients(
        of links: Set<KeyLink>, from: Milliseconds?, to: Milliseconds?
    ) -> Set<Answer> {
        let asked = receipts.filter {
            links.contains($0.link) && $0.at >= from ?? .min && $0.at < to ?? .max
        }
        let groups = Dictionary(grouping: asked) {
            Group(
                act: $0.act, client: $0.client, derived: $0.derived,
                purposes: $0.levels.sorted(), isExported: $0.object != nil)
        }
        return Set(
            groups.map { group, found in
                var answer = Answer(
                    act: group.act, client: group.client, derived: group.derived,
                    purposes: group.purposes)
                answer.fields = Set(found.flatMap(\.fields.keys)).sorted()
                answer.hashed = Set(found.flatMap(\.hashed)).sorted()
                answer.events = found.reduce(0) { $0 + $1.events }
                answer.hashedEvents = found.reduce(0) { $0 + $1.hashedEvents }
                answer.links = Set(found.map(\.link)).count
                answer.firstAt = found.map(\.at).min() ?? 0
                answer.lastAt = found.map(\.at).max() ?? 0
                answer.entries = Set(found.map(\.entry)).sorted()
                answer.offsets = Set(found.flatMap { $0.offsets.map(Array.init) ?? [] }).sorted()
                answer.objects = Set(found.compactMap(\.object)).sorted()
                return answer
            })
    }
}

extension DisclosureModel.Answer {
    init(_ recipient: AuditRecipients.Recipient) {
        self.init(
            act: recipient.act, client: recipient.client, derived: recipient.derivedStream,
            purposes: recipient.purposes)
        fields = recipient.fields
        hashed = recipient.hashedFields
        events = Int(recipient.events)
        hashedEvents = Int(recipient.hashedEvents)
        links = recipient.links
        firstAt = recipient.firstAt
        lastAt = recipient.lastAt
        entries = recipient.entries.ranges.flatMap { Array($0) }
        offsets = recipient.offsets[0]?.ranges.flatMap { Array($0) } ?? []
        objects = recipient.objects.sorted()
    }
}
