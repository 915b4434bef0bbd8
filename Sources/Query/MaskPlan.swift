import Contracts
import Foundation
import Glibc
import Privacy
import Store
import Vault

extension MaskRule {
    /// Whether the rule is for this version of the contract.
    func matches(_ ref: ContractRef) -> Bool {
        contract == "\(ref.handle)/\(ref.name)" || contract == ref.description
    }

    /// The path without `*`, as ``PIIField/path`` is written.
    var path: String {
        field.split(separator: "/", omittingEmptySubsequences: false).filter { $0 != "*" }
            .joined(separator: "/")
    }
}

/// Which values of one contract's events a derived stream masks. Made once a page for each contract
/// that it meets.
struct MaskPlan {
    /// Mask by index of the personal field.
    let ofField: [UInt8?]
    /// Where the masked values stand; nil: nowhere. Of those that are sealed the spans tell more.
    let shape: FieldShape?
    /// Paths by mask, empty for masks of other contracts.
    let paths: [String]

    /// nil: nothing of this contract is masked.
    init?(_ masks: [MaskRule], _ contract: Contract) {
        var ofField = [UInt8?](repeating: nil, count: contract.piiFields.count)
        var plain: [FieldShape.TaggedPath] = []
        var paths = [String](repeating: "", count: masks.count)
        for (index, mask) in masks.enumerated() where mask.matches(contract.ref) {
            paths[index] = mask.path
            if let field = contract.piiFields.first(where: { $0.path == mask.path }) {
                ofField[Int(field.index)] = UInt8(index)
            }
            // Also then: two ways of writing a path may name more than one place, of which only one
            // is personal data.
            plain.append((mask.field, index))
        }
        shape = plain.isEmpty ? nil : contract.shape(of: plain)
        guard shape != nil || ofField.contains(where: { $0 != nil }) else { return nil }
        self.ofField = ofField
        self.paths = paths
    }

    /// Writes what is to be done to an event, ascending; what stands inside a masked object goes
    /// with it.
    /// - Parameter keyed: false leaves sealed values alone, because their key is gone.
    /// - Returns: false if the event's text cannot be followed; it must not be handed out then.
    func write(
        _ spans: [SealedSpanValue], _ levels: ConsentLevels, _ json: UnsafeRawBufferPointer,
        keyed: Bool, into edits: inout [FieldEdit]
    ) -> Bool {
        edits.removeAll(keepingCapacity: true)
        var next = 0
        func addSealed(before end: Int) {
            while keyed, next < spans.count, Int(spans[next].start) < end {
                let span = spans[next]
                next += 1
                guard levels.contains(Int(span.level)) else { continue }
                let mask = ofField[Int(span.fieldIndex)]
                edits.append(
                    FieldEdit(
                        kind: mask == nil ? .open : .maskSealed, flags: span.flags,
                        mask: mask ?? 0, start: span.start, length: span.length))
            }
        }
        let isRead = findPlain(in: json, spans) { place, tag in
            addSealed(before: place.lowerBound)
            edits.append(
                FieldEdit(
                    kind: .maskPlain, mask: UInt8(tag), start: UInt32(place.lowerBound),
                    length: UInt32(place.count)))
            while next < spans.count, Int(spans[next].start) < place.upperBound { next += 1 }
        }
        guard isRead else { return false }
        addSealed(before: json.count)
        return true
    }

    /// The masked values that stand in clear, ascending, with their mask.
    /// - Returns: false if the event's text cannot be followed.
    func findPlain(
        in json: UnsafeRawBufferPointer, _ spans: [SealedSpanValue],
        _ body: (_ place: Range<Int>, _ tag: Int) -> Void
    ) -> Bool {
        guard let shape else { return true }
        var seen = 0
        return shape.find(in: json) { place, tag in
            // A sealed value stands between its quotes, and is dealt with by its span.
            while seen < spans.count, Int(spans[seen].start) <= place.lowerBound { seen += 1 }
            let isSealed =
                seen < spans.count && Int(spans[seen].start) == place.lowerBound + 1
                && Int(spans[seen].length) == place.count - 2
            if !isSealed { body(place, tag) }
        }
    }
}

extension DerivedStreamDefinition {
    /// What the seed of the stream's HMACs is sealed for: in another stream's definition it does not
    /// open.
    static func seedOwner(_ name: String, _ id: StreamID) -> String {
        "mask seed of derived stream \(id.rawValue) \(name)"
    }

    /// The functions by mask. Opens the seed, which lives as long as they do.
    func maskFunctions(_ vault: Vault) throws(QueryError) -> [MaskFunction] {
        var functions: [MaskFunction] = []
        var hash: ValueHash?
        for mask in masks ?? [] {
            switch (mask.type, mask.seed) {
            case (.hmacSHA256, _):
                let made: ValueHash
                if let hash { made = hash } else { made = try seededHash(vault) }
                hash = made
                functions.append(.hmacSHA256(made))
            case (.murmur3, let seed?): functions.append(.murmur3(seed: seed))
            case (.murmur3, nil): throw .store(.corrupt("a mask of derived stream \(name)"))
            }
        }
        return functions
    }

    private func seededHash(_ vault: Vault) throws(QueryError) -> ValueHash {
        guard let sealed = sealedMaskSeed.flatMap({ Data(base64Encoded: $0) }) else {
            throw .store(.corrupt("the mask seed of derived stream \(name)"))
        }
        do {
            var seed = try vault.openCredential([UInt8](sealed), owner: Self.seedOwner(name, id))
            defer { explicit_bzero(&seed, seed.count) }
            return seed.withUnsafeBytes { ValueHash(key: $0) }
        } catch {
            throw .unavailable(retryAfterSeconds: 1)
        }
    }
}
