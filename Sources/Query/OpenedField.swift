import Audit
import Contracts

/// A personal field of one contract of which values are handed out in clear. Fields of different
/// contracts are told apart, whatever their paths: they may have different levels.
struct OpenedField: Hashable, Comparable {
    var path: String
    /// `handle/name/version`
    var contract: String
    var level: Int

    static func < (left: Self, right: Self) -> Bool {
        (left.path, left.contract) < (right.path, right.contract)
    }
}

extension AuditEntry {
    /// Puts on record which fields were opened, and how many values of each.
    /// - Parameters:
    ///   - uses: of all contracts of the page.
    ///   - contracts: those with an opened field, and others that the entry names; sorted.
    mutating func name(_ uses: some Sequence<ContractUse>, contracts: [String]) {
        let opened = uses.flatMap(\.opened).sorted { $0.field < $1.field }
        fields = opened.map(\.field.path)
        values = opened.map(\.values)
        fieldLevels = opened.map(\.field.level)
        fieldContracts = opened.map {
            contracts.firstIndex(of: $0.field.contract) ?? contracts.count
        }
        self.contracts = contracts
    }
}
