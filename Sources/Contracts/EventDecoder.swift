/// Decodes and validates one event at a time against the contract that it names.
///
/// JSON (plain, or Avro's JSON encoding) and Avro binary end in the same canonical JSON: the
/// schema's field order, defaults filled in, unions plain, numbers as ``NumberText`` writes them,
/// shortest escapes, no spaces. What is written is what was checked: there is one pass over what
/// one parser understood.
///
/// Confined to one thread. Buffers are reused: once it has seen the largest event, decoding
/// allocates nothing. They hold plain text, and are zeroed when they are given back.
///
/// `@exclusivity(unchecked)`: confined to one thread, and no property is read or written while a
/// mutating call on it runs; the run-time checks cost an event several hundredths of its time.
package final class EventDecoder {
    package enum Format: Sendable {
        /// Plain JSON or Avro's JSON encoding, told apart for each union (``EventWalk`` says how).
        case json
        case avroBinary
        /// JSON if the first byte behind white space is `{`, else Avro binary.
        case detect
    }

    private let registry: ContractRegistry
    private let limits: EventLimits
    private let parser = JSONParser(depthMax: EventLimits.depthMax)
    @exclusivity(unchecked) private var snapshot: ContractSnapshot
    /// The contract of the last event that named a usable one; keeps alive what `walk.plan` points
    /// to.
    @exclusivity(unchecked) private var chosen: Contract?
    @exclusivity(unchecked) private var isActive = false
    /// Stands in before the first event.
    private let noPlan = DecodingPlan(DecodingPlan.Parts())
    @exclusivity(unchecked) private var walk: EventWalk
    @exclusivity(unchecked) private var evaluator = JSONSchemaEvaluator()
    @exclusivity(unchecked) private var isDecoded = false
    /// Whether `chosen` is the contract that the last event named.
    @exclusivity(unchecked) private var isNamed = false

    package init(registry: ContractRegistry, limits: EventLimits) {
        self.registry = registry
        self.limits = limits
        snapshot = registry.snapshot()
        walk = EventWalk(limits: limits, plan: noPlan.view, tape: parser.tape)
        walk.purposeLevels = snapshot.purposeLevels.bits
    }

    /// Decodes one event. The body is read only during the call; results are valid until the next
    /// one.
    ///
    /// `schemaRef` is the schema that the request names, as `handle/name/version`. JSON does not
    /// need it; Avro binary does, unless `strmMeta.eventContractRef` is the first thing in the
    /// event. Cost: linear in the body, bounded by the limits.
    /// - Throws: why the event is refused; nothing of it is kept.
    package func decode(
        _ body: UnsafeRawBufferPointer, format: Format, schemaRef: UnsafeRawBufferPointer?
    ) throws(Refusal) {
        do throws(Refusal) {
            try decodeBody(body, format, schemaRef)
        } catch {
            var refusal = error
            // A walk by a JSON Schema knows pointers only; which of their words are the schema's,
            // its program knows.
            if refusal.place == "*", let program = chosen?.plan.program {
                refusal.place = program.place(of: refusal.pointer)
            }
            throw refusal
        }
    }

    private func decodeBody(
        _ body: UnsafeRawBufferPointer, _ format: Format, _ schemaRef: UnsafeRawBufferPointer?
    ) throws(Refusal) {
        isDecoded = false
        isNamed = false
        if !registry.isCurrent(snapshot) {
            snapshot = registry.snapshot()
            walk.purposeLevels = snapshot.purposeLevels.bits
            chosen = nil
            // Its bytes may have been the old snapshot's.
            walk.plan = noPlan.view
        }
        guard body.count <= limits.bodyBytesMax else {
            throw Refusal(
                kind: .tooLarge, rule: .bodySize, expected: "at most \(limits.bodyBytesMax) bytes")
        }
        let isRight: Bool
        if isJSON(body, format) {
            isRight = try decodeJSON(body, schemaRef)
        } else {
            isRight = try decodeBinary(body, schemaRef)
        }
        guard isRight, walk.meetsRequirements() else { throw walk.refusal ?? Self.missingRef }
        guard walk.key.count > 0 else {
            throw Refusal(
                kind: .contractViolation, pointer: chosen?.keyPointer ?? "",
                place: chosen?.keyPointer, rule: .keyFieldEmpty,
                expected: "a value: the key field ties the event to its sequence")
        }
        isDecoded = true
    }

    /// The contract that the event names.
    package var contract: Contract {
        guard isDecoded, let chosen else { preconditionFailure("no event was decoded") }
        return chosen
    }

    /// The registered contract that the last event named, also if it was refused; nil: it named none,
    /// or was refused before that was known.
    package var namedContract: ContractRef? { isNamed ? chosen?.ref : nil }

    /// Canonical JSON; the four fields of `strmMeta` that are filled in later are empty
    /// (`"nonce":,`), personal values in clear.
    package var json: UnsafeRawBufferPointer {
        precondition(isDecoded, "no event was decoded")
        return UnsafeRawBufferPointer(start: walk.output.base, count: walk.output.count)
    }

    /// Ascending by start; lists and maps of personal strings have one span for each value.
    package var spans: UnsafeBufferPointer<EventSpan> {
        precondition(isDecoded, "no event was decoded")
        return UnsafeBufferPointer(start: walk.spans.base, count: walk.spans.count)
    }

    package var consentLevels: ConsentLevels {
        precondition(isDecoded, "no event was decoded")
        return ConsentLevels(bits: walk.consent)
    }

    /// The key field: a string's own UTF-8, a number's canonical text. Never empty.
    package var keyValue: UnsafeRawBufferPointer {
        precondition(isDecoded, "no event was decoded")
        return UnsafeRawBufferPointer(start: walk.key.base, count: walk.key.count)
    }

    /// The data subject in the same form; nil if the contract names none, or the event's is absent,
    /// null or empty.
    package var subjectValue: UnsafeRawBufferPointer? {
        precondition(isDecoded, "no event was decoded")
        guard walk.subject.count > 0 else { return nil }
        return UnsafeRawBufferPointer(start: walk.subject.base, count: walk.subject.count)
    }
}

extension EventDecoder {
    private func isJSON(_ body: UnsafeRawBufferPointer, _ format: Format) -> Bool {
        switch format {
        case .json: return true
        case .avroBinary: return false
        case .detect: break
        }
        for byte in body {
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d: continue
            default: return byte == UInt8(ascii: "{")
            }
        }
        return true
    }

    private func use(_ entry: ContractSnapshot.Entry) {
        chosen = entry.contract
        isActive = entry.isActive
        walk.plan = entry.contract.plan.view
    }

    private func isEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard let base = one.baseAddress else { return other.isEmpty }
        return ByteText.isEqual(base, one.count, other)
    }

    private func decodeJSON(
        _ body: UnsafeRawBufferPointer, _ schemaRef: UnsafeRawBufferPointer?
    ) throws(Refusal) -> Bool {
        let tape: JSONTape
        do throws(JSONParser.Failure) {
            tape = try parser.parse(body)
        } catch {
            throw Self.refusal(error)
        }
        try choose(try Self.contractRef(tape), schemaRef)
        walk.reset()
        walk.tape = tape
        if walk.plan.isJSONSchema { return try decodeBySchema(tape) }
        return walk.walkJSON(JSONTape.rootIndex)
    }

    /// By a JSON Schema: names first, since the schema's keywords rely on each being there once;
    /// then the schema; then the walk that writes.
    private func decodeBySchema(_ tape: JSONTape) throws(Refusal) -> Bool {
        let root = JSONTape.rootIndex
        guard walk.checkNames(root) else { return false }
        evaluator.begin(walk.plan.schema, tape, wordCount: tape.next(root))
        evaluator.metaIndex = Self.member("strmMeta", of: root, tape) ?? 0
        guard evaluator.accepts(root) else { throw evaluator.explain(root) }
        return walk.walkPlaces(root)
    }

    private func decodeBinary(
        _ body: UnsafeRawBufferPointer, _ schemaRef: UnsafeRawBufferPointer?
    ) throws(Refusal) -> Bool {
        guard let schemaRef else { return try decodeUnnamedBinary(body) }
        // `chosen` first: without it the plan may be of a contract that is gone.
        if chosen == nil || !isEqual(walk.plan.schemaRef, schemaRef) {
            // Any contract of the schema tells where the event names its own.
            guard let index = snapshot.index(schemaRef: schemaRef) else {
                throw Self.unknownSchema
            }
            use(snapshot[index])
        }
        guard !walk.plan.isJSONSchema else { throw Self.notBinary }
        guard let ref = EventWalk.contractRef(in: body, plan: walk.plan, limits: limits) else {
            // Not of this schema: the walk says where and why.
            walk.reset()
            if walk.walkBinary(body) { throw Self.missingRef }
            return false
        }
        try choose(ref, schemaRef)
        guard !walk.plan.isJSONSchema else { throw Self.notBinary }
        walk.reset()
        return walk.walkBinary(body)
    }

    /// The request names no schema: the event must begin with the contract's reference.
    private func decodeUnnamedBinary(_ body: UnsafeRawBufferPointer) throws(Refusal) -> Bool {
        var cursor = BinaryCursor(body)
        guard let ref = cursor.prefixed(), let index = snapshot.index(ref: ref),
            !snapshot[index].contract.plan.view.isJSONSchema,
            let found = EventWalk.contractRef(
                in: body, plan: snapshot[index].contract.plan.view, limits: limits),
            found.baseAddress == ref.baseAddress
        else {
            throw Refusal(
                kind: .unknownSchema, rule: .schemaRef,
                expected: "the name of the schema with an event in Avro binary")
        }
        try choose(ref, nil)
        guard !walk.plan.isJSONSchema else { throw Self.notBinary }
        walk.reset()
        return walk.walkBinary(body)
    }

    /// Makes the named contract the one in use. The usual event names the same one as the last: two
    /// comparisons.
    private func choose(
        _ ref: UnsafeRawBufferPointer, _ schemaRef: UnsafeRawBufferPointer?
    ) throws(Refusal) {
        if chosen == nil || !isEqual(walk.plan.ref, ref) {
            guard let index = snapshot.index(ref: ref) else { throw Self.unknownContract }
            use(snapshot[index])
        }
        isNamed = true
        // A contract that merely served to find the reference may be inactive, so this is asked in
        // any case.
        guard isActive else {
            throw Refusal(
                kind: .inactiveContract, pointer: Self.refPointer, place: Self.refPointer,
                rule: .contractState,
                expected: "an active contract")
        }
        guard let schemaRef, !isEqual(walk.plan.schemaRef, schemaRef) else { return }
        guard snapshot.index(schemaRef: schemaRef) != nil else { throw Self.unknownSchema }
        throw Refusal(
            kind: .wrongSchema, pointer: Self.refPointer, place: Self.refPointer, rule: .schemaRef,
            expected: "a contract of the schema that the request names")
    }
}
