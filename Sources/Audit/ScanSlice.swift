import AuditProof
import Store

/// Entries that agree with a filter, on their way to a question. Their bytes lie in one piece, and an
/// entry is read member by member only if the question needs it.
struct ScanSlice {
    /// Entries from here on were not looked at.
    var end: UInt64
    private(set) var items: [(number: UInt64, bytes: Range<Int>)] = []
    /// Given to the question, or passed over because they do not concern it.
    private(set) var taken = 0
    private var leaves: [UInt8] = []

    init(end: UInt64) { self.end = end }

    var leafBytes: Int { leaves.count }

    /// The first that was not taken yet.
    var next: (number: UInt64, bytes: Range<Int>)? {
        taken < items.count ? items[taken] : nil
    }

    mutating func add(_ leaf: UnsafeRawBufferPointer, number: UInt64) {
        items.append((number, leaves.count..<leaves.count + leaf.count))
        leaves.append(contentsOf: leaf)
    }

    /// Takes the next item.
    /// - Parameter attachment: what lies beside the entry; nil: nothing does, or it is not wanted.
    /// - Throws: `.corrupt` if one of them is not what was written.
    mutating func take(
        _ attachment: UnsafeRawBufferPointer?, for question: inout some AuditQuestion
    ) throws(StoreError) {
        let item = items[taken]
        taken += 1
        let failure = leaves.withUnsafeBytes { leaves -> StoreError? in
            let leaf = UnsafeRawBufferPointer(rebasing: leaves[item.bytes])
            var told: DisclosureBytes?
            if let attachment, let hash = Self.disclosuresHash(leaf) {
                guard TreeHash(contentOf: attachment) == hash,
                    let view = DisclosureBytes(attachment)
                else {
                    return .corrupt(
                        "what audit entry \(item.number) disclosed is not what its hash says")
                }
                guard question.concerns(view) else { return nil }
                told = view
            }
            guard let entry = AuditLeaf(leaf), entry.number == item.number else {
                return .corrupt("audit entry \(item.number) cannot be read")
            }
            question.take(entry, told)
            return nil
        }
        if let failure { throw failure }
    }

    private static let beforeHash = Array(",\"disclosures\":\"".utf8)

    /// What stands in the last member of a leaf, if it is that one. Nothing else can stand there: a
    /// quote in a name is written with a backslash before it.
    static func disclosuresHash(_ leaf: UnsafeRawBufferPointer) -> TreeHash? {
        let digits = 2 * TreeHash.byteCount
        let start = leaf.count - 2 - digits
        guard start >= beforeHash.count, leaf[leaf.count - 2] == 0x22,
            leaf[(start - beforeHash.count)..<start].elementsEqual(beforeHash)
        else { return nil }
        return TreeHash(
            hexadecimal: UnsafeRawBufferPointer(rebasing: leaf[start..<start + digits]))
    }
}
