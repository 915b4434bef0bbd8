import Contracts
import Store

/// The fields of one contract that were opened, and those that were masked.
final class ContractUse {
    let contract: Contract
    /// `handle/name/version`
    let name: String
    let plan: MaskPlan?
    var fields: [FieldUse]
    /// By mask.
    var isMasked: [Bool]
    /// By mask: its bit among the hashed names, 0 until it is met.
    var maskBits: [UInt64]
    init(_ contract: Contract, _ masks: [MaskRule]) {
        self.contract = contract
        name = contract.ref.description
        plan = masks.isEmpty ? nil : MaskPlan(masks, contract)
        fields = Array(repeating: FieldUse(), count: contract.piiFields.count)
        isMasked = Array(repeating: false, count: masks.count)
        maskBits = Array(repeating: 0, count: masks.count)
    }

    /// Counts a value; gives the field's bit.
    func note(_ index: Int, _ tally: inout DisclosureTally) -> UInt64 {
        if fields[index].values == 0 {
            fields[index].bit = tally.openedNames.bit(of: field(index))
        }
        fields[index].values += 1
        return fields[index].bit
    }

    /// Fields with an opened value, and how many.
    var opened: [(field: OpenedField, values: Int)] {
        fields.indices.filter { fields[$0].values > 0 }.map { (field($0), fields[$0].values) }
    }

    private func field(_ index: Int) -> OpenedField {
        let field = contract.piiFields[index]
        return OpenedField(path: field.path, contract: name, level: field.level)
    }
}

struct FieldUse {
    /// Values that were opened.
    var values = 0
    /// Among the opened names.
    var bit: UInt64 = 0
}
