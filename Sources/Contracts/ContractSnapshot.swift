/// The contracts at one moment, found by number or by the bytes of a reference without making a
/// String. Immutable.
package final class ContractSnapshot: Sendable {
    struct Entry: Sendable {
        let contract: Contract
        let isActive: Bool
        /// The reference's text.
        let ref: [UInt8]
        let schemaRef: [UInt8]
    }

    let version: Int
    /// The consent levels that have a purpose.
    let purposeLevels: ConsentLevels
    private let entries: [Entry]
    private let byNumber: [UInt32: Int]
    /// Open-addressing tables of entry indexes plus one; their sizes are powers of two.
    private let byRef: [Int]
    private let bySchema: [Int]

    init(
        _ contracts: [(Contract, ContractRegistry.State)], version: Int,
        purposeLevels: ConsentLevels
    ) {
        self.version = version
        self.purposeLevels = purposeLevels
        entries = contracts.map { contract, state in
            Entry(
                contract: contract, isActive: state == .active,
                ref: Array(contract.ref.description.utf8),
                schemaRef: Array(contract.schemaRef.description.utf8))
        }
        byNumber = Dictionary(
            zip(entries.map(\.contract.number), entries.indices), uniquingKeysWith: { $1 })
        let refs = entries.map(\.ref)
        let byRef = Self.table(refs, of: refs.indices)
        self.byRef = byRef
        // Only entries that an event can reach by their reference.
        let reached = byRef.filter { $0 > 0 }.map { $0 - 1 }.sorted()
        bySchema = Self.table(entries.map(\.schemaRef), of: reached)
    }

    /// The contract with this number, active or not.
    package func contract(number: UInt32) -> Contract? {
        byNumber[number].map { entries[$0].contract }
    }

    /// All of them, in the order in which they were registered.
    package var contracts: [Contract] { entries.map(\.contract) }

    /// Index of the contract with this reference; nil: none.
    func index(ref: UnsafeRawBufferPointer) -> Int? {
        Self.find(ref, byRef) { entries[$0].ref }
    }

    /// Index of some contract with this schema; nil: none.
    func index(schemaRef: UnsafeRawBufferPointer) -> Int? {
        Self.find(schemaRef, bySchema) { entries[$0].schemaRef }
    }

    subscript(_ index: Int) -> Entry { entries[index] }

    /// A later entry takes the place of an earlier one with the same text.
    private static func table(_ texts: [[UInt8]], of indexes: some Sequence<Int>) -> [Int] {
        var size = 2
        while size < 2 * texts.count { size *= 2 }
        var table = [Int](repeating: 0, count: size)
        for index in indexes {
            let text = texts[index]
            var at = text.withUnsafeBytes { slot($0, size) }
            while table[at] != 0, texts[table[at] - 1] != text { at = (at + 1) & (size - 1) }
            table[at] = index + 1
        }
        return table
    }

    private static func find(
        _ text: UnsafeRawBufferPointer, _ table: [Int], _ stored: (Int) -> [UInt8]
    ) -> Int? {
        var at = slot(text, table.count)
        while table[at] != 0 {
            let index = table[at] - 1
            let isEqual = stored(index).withUnsafeBytes { bytes in
                bytes.baseAddress.map { ByteText.isEqual($0, bytes.count, text) } ?? false
            }
            if isEqual { return index }
            at = (at + 1) & (table.count - 1)
        }
        return nil
    }

    private static func slot(_ text: UnsafeRawBufferPointer, _ size: Int) -> Int {
        Int(truncatingIfNeeded: ByteText.hash(text, seed: 0)) & (size - 1)
    }
}
