// The section `strmMeta` of an event whose schema is a JSON Schema: the schema need not declare it,
// and what it may hold is fixed (``MetaSection``).

extension EventWalk {
    /// Tape indexes of what the sender has to say in `strmMeta`; 0: not there.
    private struct MetaMembers {
        var ref = 0
        var consent = 0
    }

    /// Checks the section and writes it: all six fields in their fixed order, four of them empty.
    mutating func metaSection(_ index: Int) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.object else {
            return fail(.schemaViolation, .type, "an object (record)")
        }
        guard enter() else { return false }
        var found = MetaMembers()
        let end = tape.end(index)
        var at = index + 1
        while at < end {
            let name = tape.string(at)
            if let start = name.baseAddress { self.at(.key(start, name.count)) }
            guard metaMember(name, at + 1, &found) else { return false }
            at = tape.next(at + 1)
        }
        guard found.consent != 0 else {
            return failMissing("consentLevels", "a value")
        }
        guard put("{\"eventContractRef\":"), putString(tape.string(found.ref), rules: 0),
            put(",\"nonce\":")
        else { return false }
        markInsertion(.nonce, from: output.count, spanCount: spans.count)
        guard put(",\"timestamp\":") else { return false }
        markInsertion(.timestamp, from: output.count, spanCount: spans.count)
        guard put(",\"keyLink\":") else { return false }
        markInsertion(.keyLink, from: output.count, spanCount: spans.count)
        guard put(",\"billingId\":") else { return false }
        markInsertion(.billingId, from: output.count, spanCount: spans.count)
        guard put(",\"consentLevels\":") else { return false }
        let consent: StaticString = "consentLevels"
        self.at(.key(UnsafeRawPointer(consent.utf8Start), consent.utf8CodeUnitCount))
        guard consentList(found.consent), put("}") else { return false }
        leave()
        return true
    }

    private mutating func metaMember(
        _ name: UnsafeRawBufferPointer, _ index: Int, _ found: inout MetaMembers
    ) -> Bool {
        let tag = tape.tag(index)
        let isNull = tag == JSONTape.Tag.null
        if Self.isName(name, "eventContractRef") {
            // Its type was checked when the contract was looked up.
            found.ref = index
            return true
        }
        if Self.isName(name, "consentLevels") {
            found.consent = index
            return true
        }
        if Self.isName(name, "nonce") || Self.isName(name, "timestamp") {
            guard isNull || tag == JSONTape.Tag.integer else {
                return fail(.schemaViolation, .type, "an integer or null")
            }
            return true
        }
        if Self.isName(name, "keyLink") || Self.isName(name, "billingId") {
            guard isNull || tag == JSONTape.Tag.string else {
                return fail(.schemaViolation, .type, "a string or null")
            }
            return true
        }
        return fail(.schemaViolation, .unknownField, "only the fields of strmMeta")
    }

    private mutating func failMissing(_ name: StaticString, _ expected: String) -> Bool {
        at(.key(UnsafeRawPointer(name.utf8Start), name.utf8CodeUnitCount))
        return fail(.schemaViolation, .required, expected)
    }

    private mutating func consentList(_ index: Int) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.array else {
            return fail(.schemaViolation, .type, "a list (array)")
        }
        guard enter() else { return false }
        let end = tape.end(index)
        var at = index + 1
        var count = 0
        while at < end {
            self.at(.item(count))
            guard tape.tag(at) == JSONTape.Tag.integer else {
                return fail(.schemaViolation, .type, "an integer")
            }
            guard addConsent(tape.integer(at)) else { return false }
            at = tape.next(at)
            count += 1
        }
        leave()
        return putConsent()
    }
}
