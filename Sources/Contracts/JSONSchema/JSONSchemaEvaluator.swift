import CRE2

/// Judges values of a tape by a compiled schema.
///
/// The usual run only says yes or no and allocates nothing once its buffers have grown. A refused
/// value is walked a second time to say where and why (``JSONSchemaEvaluator+Explaining``), so that
/// accepted ones pay nothing for it. Members of objects have different names: the caller has seen to
/// that. Confined to one thread.
struct JSONSchemaEvaluator: ~Copyable {
    typealias Program = JSONSchemaProgram
    typealias NodePointer = UnsafePointer<JSONSchemaProgram.Node>
    typealias OperationPointer = UnsafePointer<JSONSchemaProgram.Operation>

    /// The first complaint of an explaining run, as plain data.
    struct Failure {
        var rule: Refusal.Rule
        /// Tape index of the value, or of a name.
        var index: Int
        var operation: OperationPointer?
        var node: NodePointer?
        /// A name of the schema that the message or the pointer needs.
        var name: Program.Name?
    }

    var tape: JSONTape
    var program: JSONSchemaView
    /// Tape index of the event's `strmMeta`, which belongs to no schema's count of properties; 0:
    /// there is none.
    var metaIndex = 0
    /// What is evaluated, for schemas with `unevaluated…`: bits of members or items, a stack of such
    /// lists.
    var marks = GrowingBuffer<UInt64>(capacity: 64)
    /// Resources that evaluation has entered: the dynamic scope, outermost first.
    var scope = GrowingBuffer<UInt32>(capacity: 64)
    /// Scratch of `uniqueItems`.
    var table = GrowingBuffer<UInt64>(capacity: 64)
    var depth = 0
    /// What is left of the budget.
    var steps = 0
    var explains = false
    private(set) var failure: Failure?

    /// Steps for any event, and for each word of its tape: a bound for what the compiler's bound of
    /// costs does not see, one value below many schemas at many depths.
    static let stepsMin = 100_000
    static let stepsPerWord = 16
    /// Schemas behind each other on the stack, about 300 bytes each.
    static let depthMax = 1_024
    /// No annotations are wanted.
    static let noFrame = -1

    init() {
        // Both are set before the first value is judged.
        let nothing = UnsafeRawPointer(marks.base)
        tape = JSONTape(words: UnsafePointer(marks.base), strings: nothing)
        program = JSONSchemaProgram.none.view
    }

    /// Takes a program and a tape, which live until the last call about them.
    mutating func begin(_ program: JSONSchemaView, _ tape: JSONTape, wordCount: Int) {
        self.program = program
        self.tape = tape
        metaIndex = 0
        restart(wordCount)
    }

    private mutating func restart(_ wordCount: Int) {
        marks.count = 0
        scope.count = 0
        depth = 0
        steps = Self.stepsMin + Self.stepsPerWord * wordCount
        failure = nil
    }

    /// Whether the schema accepts the value at a tape index.
    mutating func accepts(_ index: Int) -> Bool {
        explains = false
        return evaluate(index, program.root, Self.noFrame)
    }

    /// Why the schema refuses the value that was just judged.
    mutating func explain(_ index: Int) -> Refusal {
        guard steps > 0 else { return Self.tooCostly }
        restart(tape.next(index))
        explains = true
        _ = evaluate(index, program.root, Self.noFrame)
        explains = false
        guard let failure, steps > 0 else { return Self.tooCostly }
        return refusal(failure, root: index)
    }

    /// Notes the first complaint of an explaining run. Always false, so that a caller can return it.
    @inline(__always)
    mutating func fail(
        _ rule: Refusal.Rule, _ index: Int, _ operation: OperationPointer? = nil,
        node: NodePointer? = nil, name: Program.Name? = nil
    ) -> Bool {
        guard explains else { return false }
        return note(
            Failure(rule: rule, index: index, operation: operation, node: node, name: name))
    }

    @inline(never)
    private mutating func note(_ failure: Failure) -> Bool {
        if self.failure == nil { self.failure = failure }
        return false
    }

    /// Lets a caller that knows better change the complaint.
    mutating func revise(_ change: (inout Failure) -> Void) {
        guard explains, var changed = failure else { return }
        change(&changed)
        failure = changed
    }

    /// Ends everything: every later step fails too.
    @inline(never)
    mutating func exhaust() -> Bool {
        steps = 0
        return false
    }

    @inline(__always)
    mutating func spend(_ count: Int) -> Bool {
        steps -= count
        return steps > 0 || exhaust()
    }
}

// MARK: - One value

extension JSONSchemaEvaluator {
    /// The bit of a value's type.
    @inline(__always)
    static func type(_ tape: JSONTape, _ index: Int) -> UInt8 {
        switch tape.tag(index) {
        case JSONTape.Tag.string: Program.Types.string
        case JSONTape.Tag.integer, JSONTape.Tag.unsigned: Program.Types.integer
        case JSONTape.Tag.object: Program.Types.object
        case JSONTape.Tag.array: Program.Types.array
        case JSONTape.Tag.double:
            JSONNumber(tape, index).isInteger ? Program.Types.integer : Program.Types.fraction
        case JSONTape.Tag.null: Program.Types.null
        default: Program.Types.boolean
        }
    }

    /// Whether the node accepts the value at a tape index. `frame` is where in `marks` the bits of
    /// the value's members or items stand, or ``noFrame``.
    mutating func evaluate(_ index: Int, _ number: Int, _ frame: Int) -> Bool {
        let node = program.nodes + number
        steps -= 1
        guard steps > 0 else { return exhaust() }
        guard node.pointee.types & Self.type(tape, index) != 0 else {
            return fail(.type, index, node: node)
        }
        guard node.pointee.end > 0 else {
            return node.pointee.isFalse ? fail(.falseSchema, index, node: node) : true
        }
        guard depth < Self.depthMax else { return exhaust() }
        depth += 1
        let isRight: Bool
        let markCount = marks.count
        if program.hasDynamicScope {
            scope.append(node.pointee.resource)
            isRight = node.pointee.isTracking ? track(index, node, frame) : run(index, node, frame)
            scope.count -= 1
        } else {
            isRight = node.pointee.isTracking ? track(index, node, frame) : run(index, node, frame)
        }
        depth -= 1
        marks.count = markCount
        return isRight
    }

    mutating func run(_ index: Int, _ node: NodePointer, _ frame: Int) -> Bool {
        let first = program.operations + Int(node.pointee.first)
        var at = first
        var end = first + Int(node.pointee.numberAt)
        while at < end {
            guard isConstant(index, at) else { return false }
            at += 1
        }
        switch tape.tag(index) {
        case JSONTape.Tag.string:
            at = first + Int(node.pointee.stringAt)
            end = first + Int(node.pointee.arrayAt)
            while at < end {
                guard string(index, at) else { return false }
                at += 1
            }
        case JSONTape.Tag.object:
            at = first + Int(node.pointee.objectAt)
            end = first + Int(node.pointee.applyAt)
            while at < end {
                guard object(index, at, frame) else { return false }
                at += 1
            }
        case JSONTape.Tag.array:
            at = first + Int(node.pointee.arrayAt)
            end = first + Int(node.pointee.objectAt)
            while at < end {
                guard array(index, at, frame) else { return false }
                at += 1
            }
        case JSONTape.Tag.integer, JSONTape.Tag.unsigned, JSONTape.Tag.double:
            at = first + Int(node.pointee.numberAt)
            end = first + Int(node.pointee.stringAt)
            while at < end {
                guard number(index, at) else { return false }
                at += 1
            }
        default: break
        }
        at = first + Int(node.pointee.applyAt)
        end = first + Int(node.pointee.end)
        while at < end {
            guard apply(index, at, frame) else { return false }
            at += 1
        }
        return true
    }

    private mutating func apply(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        switch operation.pointee.code {
        case .apply: return evaluate(index, Int(operation.pointee.a), frame)
        case .dynamicReference: return evaluate(index, dynamicTarget(operation), frame)
        case .anyOf: return anyOf(index, operation, frame)
        case .oneOf: return oneOf(index, operation, frame)
        case .not:
            let isRight = quietly { $0.evaluate(index, Int(operation.pointee.a), Self.noFrame) }
            return isRight ? fail(.not, index, operation) : steps > 0
        case .condition: return condition(index, operation, frame)
        case .dependentSchema:
            guard tape.tag(index) == JSONTape.Tag.object else { return true }
            let asking = program.text(program.names[Int(operation.pointee.a)])
            guard spend(tape.memberCount(index)) else { return false }
            guard TapeValue.member(asking, of: index, tape) != nil else { return true }
            return evaluate(index, Int(operation.pointee.b), frame)
        case .unevaluatedItems: return unevaluatedItems(index, operation, frame)
        case .unevaluatedProperties: return unevaluatedProperties(index, operation, frame)
        default: return true
        }
    }

    /// Runs something whose complaints are not to be noted.
    @inline(__always)
    mutating func quietly(_ body: (inout JSONSchemaEvaluator) -> Bool) -> Bool {
        let wasExplaining = explains
        explains = false
        let result = body(&self)
        explains = wasExplaining
        return result
    }

    /// The outermost schema of the dynamic scope that has the anchor.
    private func dynamicTarget(_ operation: OperationPointer) -> Int {
        let start = (Int(operation.pointee.b) - 1) * program.resourceCount
        for at in 0..<scope.count {
            let target = program.dynamicTargets[start + Int(scope.base[at])]
            if target != 0 { return Int(target) - 1 }
        }
        return Int(operation.pointee.a)
    }
}
