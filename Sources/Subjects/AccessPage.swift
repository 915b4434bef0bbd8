package import Audit
package import Contracts
package import Query
package import Store
package import Vault

/// A part of the access document: some events of the person, and what is needed to understand
/// them. The first part also says what is on record apart from events.
package struct AccessPage: Sendable {
    /// Keyed hash.
    package var person: String
    package var at: Milliseconds
    /// Only of the first part.
    package var head: Head?
    package var events: [Event] = []
    /// Where `Event.json` lies. Personal data in clear.
    package var body: [UInt8] = []
    /// The contracts of these events, by reference.
    package var contracts: [Contract] = []
    /// The levels that these events consented to, each for a stretch of time.
    package var consents: [Consent] = []
    /// Events of the person's sequences that are not given out: about somebody else, about nobody,
    /// or not to be told because the key is gone.
    package var others = 0
    package var nameless = 0
    package var undecided = 0
    /// Asks for the next part; nil: this is the last.
    package var cursor: String?

    package struct Head: Sendable {
        package var links: [SubjectLinks.Item]
        package var purposes: [PurposeRecord]
        /// The streams that were looked at.
        package var streams: [StreamDefinition]
        /// Who received fields of these sequences, and when.
        package var recipients: AuditRecipients
        /// Earlier erasures of the person in these streams: their sequences are looked for in the
        /// audit log too, as far as the ledger still knows them.
        package var erasures: [Erasure]

        /// What the document does not hold, in words.
        package var notCovered: [String] {
            guard erasures.contains(where: { !$0.areLinksKnown }) else {
                return AccessPage.notCovered
            }
            return AccessPage.notCovered + [
                "Events that were sealed with keys of an earlier erasure that are not known any "
                    + "more (keyLinksKnown): who had received them stands in its receipt."
            ]
        }
    }

    private static let notCovered = [
        "Events whose contract names no data subject, or that named another one: nothing tells "
            + "that they are this person's.",
        "Refused events that a stream keeps: nobody has checked whose they are.",
        "Events in the person's sequences that are about somebody else or about nobody, or of "
            + "which that cannot be told because the key is gone, counted in passedOver.",
        "Objects that exporters wrote to buckets: recipients names them.",
        "Events that have expired.",
    ]

    package struct Event: Sendable {
        package var stream: String
        package var partition: Int
        package var contract: String
        /// When it is not given to anybody any more.
        package var expiresAt: Milliseconds
        package var event: Query.AccessedEvent
    }

    /// Consecutive events of one stream with the same levels.
    package struct Consent: Sendable, Equatable {
        package var stream: String
        package var levels: ConsentLevels
        package var from: Milliseconds
        package var to: Milliseconds
        package var events: Int
    }
}

/// What is asked for.
package struct AccessQuestion: Sendable {
    /// nil: all streams.
    package var streams: [String]?
    /// Events with a time of at least `from` and less than `to`.
    package var from: Milliseconds?
    package var to: Milliseconds?
    /// Of the part before.
    package var cursor: String?
    /// Events of this part, 1...1,000.
    package var limit = Query.AccessRequest.limitMax

    package init() {}
}
