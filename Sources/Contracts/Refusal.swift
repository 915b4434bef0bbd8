/// Why an event was refused. Safe to show to the sender: names and expectations, never a value of
/// the event.
///
/// The pointer is made of member names, and those of a map are chosen by the sender: give it back
/// to the sender, do not log it.
package struct Refusal: Error, Sendable, Equatable {
    /// The class of the refusal; its raw value is the stable slug of the problem type.
    package enum Kind: String, Sendable, CaseIterable {
        /// Not JSON, not UTF-8, or not the Avro binary form of the schema.
        case malformedBody = "malformed-body"
        /// Well formed, but not of the schema's shape.
        case schemaViolation = "schema-violation"
        /// Of the schema's shape, but against the contract's content rules.
        case contractViolation = "contract-violation"
        /// `strmMeta.eventContractRef` names no contract.
        case unknownContract = "unknown-contract"
        /// The contract is a draft or archived.
        case inactiveContract = "inactive-contract"
        /// The request names a schema that no contract has.
        case unknownSchema = "unknown-schema"
        /// The contract belongs to another schema than the request names.
        case wrongSchema = "wrong-schema"
        case tooLarge = "too-large"
        case tooDeep = "too-deep"
    }

    package var kind: Kind
    /// RFC 6901 pointer into the event; "" is the whole event.
    package var pointer: String
    /// The pointer in the words of the schema alone: names that the contract knows stay, and `*`
    /// stands for what the sender chose (list indexes, keys of maps, unknown names). Safe to count
    /// by, to log and to show to others than the sender.
    package var place: String
    /// Stable slug, one of ``Rule``.
    package var rule: String
    /// What was expected, one short clause for people.
    package var expected: String
    /// Which validation of the contract was broken (``ContractDocument/Validation/id``); nil: the
    /// rule is no validation.
    package var ruleID: String?
    /// What the validation's author tells the sender; nil: nothing.
    package var message: String?

    /// - Parameter place: nil: "" for the whole event, else `*`. Whoever knows that the pointer
    ///   holds no word of the sender's passes it here too.
    package init(
        kind: Kind, pointer: String = "", place: String? = nil, rule: Rule, expected: String,
        ruleID: String? = nil, message: String? = nil
    ) {
        self.kind = kind
        self.pointer = pointer
        self.place = place ?? (pointer.isEmpty ? "" : "*")
        self.rule = rule.rawValue
        self.expected = expected
        self.ruleID = ruleID
        self.message = message
    }
}

extension Refusal {
    /// Every rule that an event can break. Slugs are part of the wire format: never renamed.
    package enum Rule: String, Sendable, CaseIterable, BitwiseCopyable {
        // The body as such.
        case json = "json"
        case avro = "avro"
        case utf8 = "utf-8"
        case trailingBytes = "trailing-bytes"
        case bodySize = "body-size"
        case canonicalSize = "canonical-size"
        case depth = "depth"
        // Shape.
        case type = "type"
        case required = "required"
        case unknownField = "unknown-field"
        case duplicateKey = "duplicate-key"
        case `enum` = "enum"
        case union = "union"
        case range = "range"
        case finite = "finite"
        case fixedSize = "fixed-size"
        case byteString = "byte-string"
        case stringSize = "string-size"
        case keySize = "key-size"
        case keyCount = "key-count"
        case itemCount = "item-count"
        // Shape, by a JSON Schema; some are rules of content too, if a validation says so.
        case const = "const"
        case multipleOf = "multiple-of"
        case length = "length"
        case format = "format"
        case uniqueItems = "unique-items"
        case contains = "contains"
        case propertyCount = "property-count"
        case propertyNames = "property-names"
        case dependentRequired = "dependent-required"
        case anyOf = "any-of"
        case oneOf = "one-of"
        case not = "not"
        case falseSchema = "false-schema"
        case schemaCost = "schema-cost"
        // Content.
        case regex = "regex"
        case requiredIf = "required-if"
        case keyFieldEmpty = "key-field-empty"
        case consentLevel = "consent-level"
        case purpose = "purpose"
        // Which contract.
        case contractRef = "contract-ref"
        case contractState = "contract-state"
        case schemaRef = "schema-ref"
    }
}

extension Refusal: CustomStringConvertible {
    /// Without the pointer, whose map keys come from the event.
    package var description: String { "\(kind.rawValue) (\(rule)): expected \(expected)" }
}
