// Validations in a plan.

extension DecodingPlan {
    /// A validation at one place, made for the type of its values.
    struct Check {
        enum Kind: UInt8 {
            case regex, enumeration, range, length, format
            /// Refuses nothing: sets a bit of the walk if the value is one of an enumeration.
            case condition
        }

        var kind: Kind
        /// Format: its raw value. Condition: the bit. Enumeration, condition: bit 6: false is one of
        /// the values, bit 7: true is one.
        var detail: UInt8 = 0
        /// Index into `validations`.
        var validation: UInt16
        /// Regex: index into `expressions`. Range: index into `ranges`. Length: least. Enumeration,
        /// condition: first of `names`.
        var first: UInt32 = 0
        /// Length: greatest. Enumeration, condition: names.
        var count: UInt32 = 0
        /// Enumeration, condition: the hash table in `slots` as in ``Node``; then first and number of
        /// `integers` and `doubles`, both ascending.
        var table: UInt32 = 0
        var tableMask: UInt32 = 0
        var integerStart: UInt32 = 0
        var integerCount: UInt32 = 0
        var doubleStart: UInt32 = 0
        var doubleCount: UInt32 = 0
    }

    struct RangeBounds {
        var integerLow: Int64
        var integerHigh: Int64
        var low: Double
        var high: Double
        var isLowExclusive: Bool
        var isHighExclusive: Bool
    }

    /// What a refusal by a validation says; texts in `bytes`.
    struct ValidationText {
        struct Text {
            var start: UInt32
            var count: UInt32
        }

        var rule: Refusal.Rule
        var id: Text
        /// Of no bytes: there is none.
        var message: Text
        var expected: Text
        /// Of a `required-if`: the pointer of the field it asks for, and its bit.
        var pointer: Text
        var bit: UInt8
    }
}
