/// One walk over one event: checks it against a plan and writes its canonical JSON and spans.
///
/// The JSON and the binary walk share everything here: output, the path for error messages, limits,
/// and what happens to a value once it is known (``EventWalk+Values``). Functions return false when
/// the event is refused; `refusal` then says why. Nothing is allocated unless an event is larger
/// than all before it, or refused. Confined to one thread.
struct EventWalk: ~Copyable {
    let limits: EventLimits
    /// The tables of the contract in use; valid as long as the decoder holds that contract.
    var plan: PlanView

    /// Canonical JSON so far.
    var output = GrowingBuffer<UInt8>(capacity: 8_192)
    var spans = GrowingBuffer<EventSpan>(capacity: 64)
    /// Raw values of the key field and of the data subject; empty: not met, null or empty.
    var key = GrowingBuffer<UInt8>(capacity: 256)
    var subject = GrowingBuffer<UInt8>(capacity: 256)
    var consent: UInt64 = 0
    /// The levels that have a purpose, as bits; events that name others are refused.
    var purposeLevels = UInt64.max
    /// For each `required-if` of the contract a bit: its condition holds; its field is present.
    var conditions: UInt64 = 0
    var present: UInt64 = 0

    /// For each open record, where the value of each field stands in the tape; a stack of such
    /// lists.
    var members = GrowingBuffer<UInt32>(capacity: 1_024)
    /// Keys of the open maps; a stack of such lists.
    var mapKeys = GrowingBuffer<MapKey>(capacity: 64)
    /// Scratch for the duplicate check of one map: hash table of indexes plus one.
    var keyTable: GrowingBuffer<UInt16>
    let hashSeed: UInt64

    /// Steps from the event to the value at hand.
    private var path = GrowingBuffer<PathStep>(capacity: 3 * EventLimits.depthMax)
    /// Open records, lists and maps.
    private var depth = 0

    /// The tape of a JSON event.
    var tape: JSONTape
    /// Whether unions may be wrapped as in Avro's JSON encoding; defaults of a schema may not.
    var acceptsWrapped = true
    /// What is left of an Avro binary event.
    var binary = BinaryCursor()

    private(set) var refusal: Refusal?

    struct MapKey {
        let start: UnsafeRawPointer
        let count: Int
    }

    enum PathStep {
        /// Index of a name in the plan.
        case name(Int)
        case item(Int)
        /// A name as the event has it; the bytes outlive the walk.
        case key(UnsafeRawPointer, Int)
    }

    /// The tape may dangle until a walk over JSON starts.
    init(limits: EventLimits, plan: PlanView, tape: JSONTape) {
        self.limits = limits
        self.plan = plan
        self.tape = tape
        keyTable = GrowingBuffer(capacity: 64)
        hashSeed = UInt64.random(in: .min ... .max)
    }

    /// Forgets the last event.
    mutating func reset() {
        output.count = 0
        spans.count = 0
        key.count = 0
        subject.count = 0
        consent = 0
        conditions = 0
        present = 0
        members.count = 0
        mapKeys.count = 0
        path.count = 0
        depth = 0
        refusal = nil
    }
}

// MARK: - Path and refusal

extension EventWalk {
    /// Opens a record, list or map: the path gets a step that ``at(_:)`` sets for each member.
    @inline(__always)
    mutating func enter() -> Bool {
        guard depth < EventLimits.depthMax else { return failDepth() }
        depth += 1
        path.append(.item(0))
        return true
    }

    @inline(__always)
    mutating func leave() {
        depth -= 1
        path.count -= 1
    }

    /// Adds a step without opening anything: the branch name of a wrapped union.
    mutating func push(_ step: PathStep) { path.append(step) }

    mutating func pop() { path.count -= 1 }

    /// Sets the last step of the path.
    @inline(__always)
    mutating func at(_ step: PathStep) {
        path.base[path.count - 1] = step
    }

    /// Ends the walk. Always false, so that a caller can return it.
    @inline(never)
    mutating func fail(
        _ kind: Refusal.Kind, _ rule: Refusal.Rule, _ expected: String
    ) -> Bool {
        fail(
            Refusal(
                kind: kind, pointer: pointer(), place: place(), rule: rule, expected: expected))
    }

    /// Ends the walk. Always false.
    @inline(never)
    mutating func fail(_ refusal: Refusal) -> Bool {
        // The innermost complaint is the precise one; nothing runs after it, but keep the first all
        // the same.
        if self.refusal == nil { self.refusal = refusal }
        return false
    }

    @inline(never)
    private mutating func failDepth() -> Bool {
        fail(.tooDeep, .depth, "at most \(EventLimits.depthMax) nested values")
    }

    /// RFC 6901 pointer to the value at hand.
    func pointer() -> String {
        var text = ""
        for index in 0..<path.count {
            switch path.base[index] {
            case .name(let name): text += "/" + string(plan.text(plan.names[name]))
            case .item(let number): text += "/\(number)"
            case .key(let start, let count):
                // A name of a megabyte would be a refusal of a megabyte.
                let kept = min(count, limits.keyBytesMax)
                text += "/" + string(UnsafeRawBufferPointer(start: start, count: kept))
            }
        }
        return text
    }

    /// The pointer without the words of the event: see `Refusal.place`.
    func place() -> String {
        var text = ""
        for index in 0..<path.count {
            switch path.base[index] {
            case .name(let name): text += "/" + string(plan.text(plan.names[name]))
            case .item, .key: text += "/*"
            }
        }
        return text
    }

    private func string(_ bytes: UnsafeRawBufferPointer) -> String {
        JSONPointer.escape(String(decoding: bytes, as: UTF8.self))
    }
}

// MARK: - Output

extension EventWalk {
    /// Makes room for `count` bytes of canonical JSON; false if that passes the limit.
    @inline(__always)
    mutating func reserve(_ count: Int) -> Bool {
        if output.count + count <= output.capacity { return true }
        return reserveMore(count)
    }

    @inline(never)
    private mutating func reserveMore(_ count: Int) -> Bool {
        // Callers ask for a few bytes more than they write; the limit allows for that.
        guard output.count + count <= limits.canonicalBytesMax + 64 else {
            return fail(
                .tooLarge, .canonicalSize,
                "at most \(limits.canonicalBytesMax) bytes in canonical form")
        }
        output.reserve(count)
        return true
    }

    /// Appends a byte for which there is room.
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        output.base[output.count] = byte
        output.count += 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) -> Bool {
        put(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    @inline(__always)
    mutating func put(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        guard reserve(count) else { return false }
        UnsafeMutableRawPointer(output.base + output.count).copyMemory(
            from: start, byteCount: count)
        output.count += count
        return true
    }

    /// `"name":`, with a comma before it unless it is the record's first.
    @inline(__always)
    mutating func putName(_ field: UnsafePointer<DecodingPlan.Field>, isFirst: Bool) -> Bool {
        let skipped = isFirst ? 1 : 0
        return put(
            plan.bytes + Int(field.pointee.keyStart) + skipped,
            Int(field.pointee.keyCount) - skipped)
    }

    /// Bytes of the output from an index on.
    @inline(__always)
    func written(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: output.base + start, count: output.count - start)
    }
}

// MARK: - strmMeta

extension EventWalk {
    /// Takes back what was written since `start` (the sender's value, checked by now) and marks the
    /// insertion point.
    @inline(__always)
    mutating func markInsertion(_ role: DecodingPlan.Role, from start: Int, spanCount: Int) {
        output.count = start
        spans.count = spanCount
        let kind: EventSpan.Kind
        switch role {
        case .nonce: kind = .nonce
        case .timestamp: kind = .timestamp
        case .keyLink: kind = .keyLink
        default: kind = .billingId
        }
        spans.append(EventSpan(kind: kind, start: UInt32(truncatingIfNeeded: start)))
    }

    /// Adds one consent level; `number` is as the sender wrote it.
    @inline(__always)
    mutating func addConsent(_ number: Int64) -> Bool {
        guard number >= 0, number <= Int64(ConsentLevels.levelMax) else {
            return fail(
                .contractViolation, .consentLevel, "levels 0...\(ConsentLevels.levelMax)")
        }
        guard purposeLevels & (1 << UInt64(number)) != 0 else {
            return fail(.contractViolation, .purpose, "a level that has a purpose")
        }
        consent |= 1 << UInt64(number)
        return true
    }

    /// The consent levels as a list, ascending, each once.
    mutating func putConsent() -> Bool {
        // At most 64 numbers of two digits.
        guard reserve(2 + 64 * 3) else { return false }
        put(UInt8(ascii: "["))
        var rest = consent
        while rest != 0 {
            let level = rest.trailingZeroBitCount
            if rest != consent { put(UInt8(ascii: ",")) }
            output.count += NumberText.write(Int64(level), into: output.base + output.count)
            rest &= rest - 1
        }
        put(UInt8(ascii: "]"))
        return true
    }
}
