/// Puts a contract's rules on the places of its schema that paths name, in whatever language the
/// schema is written.
protocol PlaceMarker {
    /// Rules by index.
    var rules: [FieldMarker.Rules] { get }

    /// Marks the place(s) that `path` names. Returns the path in its normal form, without `*`
    /// steps.
    /// - Throws: at `pointer`, when the schema has no such place, or it does not fit the use.
    mutating func mark(
        _ path: String, for use: FieldMarker.Use, pointer: String
    ) throws(ContractError) -> String
}

extension PlaceMarker {
    /// The personal fields whose values are an enumeration, at one of their places at least: of
    /// the schema, or by one of these validations.
    func enumeratedFields(_ validations: ValidationSet) -> Set<Int> {
        Set(
            rules.lazy.filter { place in
                place.kind == .enum || place.isEnumeration
                    || place.checks.contains { validations.entries[$0].isEnumeration }
            }.compactMap(\.pii))
    }
}
