// Which contract an event names, and the refusals about that.

extension EventDecoder {
    static let refPointer = "/strmMeta/eventContractRef"

    /// The text of `strmMeta.eventContractRef`: looked up before the walk, which needs the
    /// contract. If the event has the names twice, the first counts here, and the walk refuses the
    /// event.
    static func contractRef(_ tape: JSONTape) throws(Refusal) -> UnsafeRawBufferPointer {
        let root = JSONTape.rootIndex
        guard tape.tag(root) == JSONTape.Tag.object else {
            throw Refusal(kind: .schemaViolation, rule: .type, expected: "an object (record)")
        }
        guard let meta = member("strmMeta", of: root, tape) else {
            throw Refusal(
                kind: .schemaViolation, pointer: "/strmMeta", place: "/strmMeta", rule: .required,
                expected: "a value")
        }
        guard tape.tag(meta) == JSONTape.Tag.object else {
            throw Refusal(
                kind: .schemaViolation, pointer: "/strmMeta", place: "/strmMeta", rule: .type,
                expected: "an object (record)")
        }
        guard let ref = member("eventContractRef", of: meta, tape) else { throw missingRef }
        guard tape.tag(ref) == JSONTape.Tag.string else {
            throw Refusal(
                kind: .schemaViolation, pointer: refPointer, place: refPointer, rule: .type,
                expected: "a string")
        }
        return tape.string(ref)
    }

    /// Tape index of the first member of that name.
    static func member(_ name: StaticString, of index: Int, _ tape: JSONTape) -> Int? {
        let end = tape.end(index)
        var at = index + 1
        while at < end {
            let isFound = ByteText.isEqual(
                UnsafeRawPointer(name.utf8Start), name.utf8CodeUnitCount, tape.string(at))
            if isFound { return at + 1 }
            at = tape.next(at + 1)
        }
        return nil
    }

    static func refusal(_ failure: JSONParser.Failure) -> Refusal {
        switch failure {
        case .tooDeep:
            Refusal(
                kind: .tooDeep, rule: .depth,
                expected: "at most \(EventLimits.depthMax) nested values")
        case .outOfMemory:
            Refusal(kind: .tooLarge, rule: .bodySize, expected: "a smaller body")
        case .malformed("UTF8_ERROR"):
            Refusal(kind: .malformedBody, rule: .utf8, expected: "valid UTF-8")
        case .malformed(let name):
            Refusal(kind: .malformedBody, rule: .json, expected: "valid JSON (\(name))")
        }
    }

    static var missingRef: Refusal {
        Refusal(
            kind: .schemaViolation, pointer: refPointer, place: refPointer, rule: .required,
            expected: "the contract's reference, handle/name/version")
    }

    static var notBinary: Refusal {
        Refusal(
            kind: .malformedBody, rule: .json,
            expected: "JSON: the schema is a JSON Schema, which has no Avro binary form")
    }

    static var unknownContract: Refusal {
        Refusal(
            kind: .unknownContract, pointer: refPointer, place: refPointer, rule: .contractRef,
            expected: "a registered contract, as handle/name/version")
    }

    static var unknownSchema: Refusal {
        Refusal(
            kind: .unknownSchema, rule: .schemaRef,
            expected: "a schema that a registered contract has, as handle/name/version")
    }
}
