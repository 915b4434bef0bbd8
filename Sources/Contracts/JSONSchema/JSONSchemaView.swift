/// Unowned pointers to a program's tables.
struct JSONSchemaView {
    let nodes: UnsafePointer<JSONSchemaProgram.Node>
    let operations: UnsafePointer<JSONSchemaProgram.Operation>
    let children: UnsafePointer<UInt32>
    let objects: UnsafePointer<JSONSchemaProgram.Object>
    let members: UnsafePointer<JSONSchemaProgram.Member>
    let slots: UnsafePointer<UInt16>
    let names: UnsafePointer<JSONSchemaProgram.Name>
    let bytes: UnsafeRawPointer
    let numbers: UnsafePointer<JSONNumber>
    let divisors: UnsafePointer<JSONNumber.Decimal>
    let constants: UnsafePointer<JSONSchemaProgram.Constant>
    let byHash: UnsafePointer<UInt32>
    let constantTape: JSONTape
    let expressions: UnsafePointer<OpaquePointer>
    let patternNames: UnsafePointer<JSONSchemaProgram.Name>
    let dynamicTargets: UnsafePointer<UInt32>
    let resourceCount: Int
    let hasDynamicScope: Bool
    let root: Int
    let seed: UInt64

    @inline(__always)
    func text(_ name: JSONSchemaProgram.Name) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + Int(name.start), count: Int(name.count))
    }

    @inline(__always)
    func isName(_ name: JSONSchemaProgram.Name, _ text: UnsafeRawBufferPointer) -> Bool {
        ByteText.isEqual(bytes + Int(name.start), Int(name.count), text)
    }

    /// Index in `members` of the object's member of that name, or -1. `hint` is tried first.
    @inline(__always)
    func member(
        _ object: UnsafePointer<JSONSchemaProgram.Object>, _ text: UnsafeRawBufferPointer,
        hint: Int
    ) -> Int {
        let count = Int(object.pointee.count)
        let first = Int(object.pointee.first)
        if hint < count, isName(members[first + hint].name, text) { return first + hint }
        guard count > 0 else { return -1 }
        let mask = UInt64(object.pointee.tableMask)
        var at = ByteText.hash(text, seed: 0) & mask
        while true {
            let entry = slots[Int(object.pointee.table) + Int(at)]
            guard entry != 0 else { return -1 }
            let index = first + Int(entry) - 1
            if isName(members[index].name, text) { return index }
            at = (at + 1) & mask
        }
    }

    /// A name of the schema as a string. Allocates: for refusals.
    func string(_ name: JSONSchemaProgram.Name) -> String {
        String(decoding: text(name), as: UTF8.self)
    }
}
