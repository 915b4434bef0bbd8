package import Store

extension Query {
    /// What a derived stream would show of the stored window: counts alone, no value of an event.
    package struct DryRun: Sendable, Equatable {
        /// A number, and whether the true one may be larger because the count had to stop.
        package struct Count: Sendable, Equatable {
            package var value: Int
            package var isLowerBound: Bool
        }

        /// One field of one contract.
        package struct Field: Sendable, Equatable {
            package var path: String
            /// nil: the field is not personal data.
            package var level: Int?
            package var opened = 0
            package var masked = 0
            /// Values that stay sealed because their key is gone.
            package var keyGone = 0
        }

        package struct ContractCount: Sendable, Equatable {
            /// `handle/name/version`.
            package var contract: String
            /// Events that would pass.
            package var events: Int
            /// Fields with at least one value among them, by path.
            package var fields: [Field]
        }

        package struct Lack: Sendable, Equatable {
            package var level: Int
            package var events: Int
        }

        /// The smallest number of sequences that share one combination of values.
        package struct Group: Sendable, Equatable {
            package var sequences: Int
            /// A combination that was not counted is taken to be alone.
            package var isLowerBound: Bool
            /// Combinations that were counted, of all contracts.
            package var combinations: Int
            /// The contract with the smallest group, and the fields that the combination is of.
            package var contract: String
            package var fields: [String]
        }

        /// The first time that was looked at, and the time of the run.
        package var from: Milliseconds
        package var to: Milliseconds
        /// Every event of the window was looked at.
        package var isComplete = true
        package var seen = 0
        package var passing = 0
        /// Events without any consent.
        package var withoutConsent = 0
        /// Events that lack a level, by level; an event that lacks two counts for both.
        package var lacking: [Lack] = []
        package var contracts: [ContractCount] = []
        /// A sequence has one a day.
        package var keyLinks = Count(value: 0, isLowerBound: false)
        package var sequences = Count(value: 0, isLowerBound: false)
        /// Data subjects on record for the sequences; nil: not all contracts name a subject.
        package var people: Count?
        /// nil: no field that would be shown identifies together with others.
        package var smallestGroup: Group?

        package var dropped: Int { seen - passing }
    }
}
