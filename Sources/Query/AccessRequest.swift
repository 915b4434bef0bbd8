package import Contracts
package import Store

/// What is asked about a person, and the parts of the answer.
extension Query {
    /// Where the events of a person may lie.
    package struct AccessSource: Sendable {
        package var stream: StreamDefinition
        /// The sequences that are on record for the person.
        package var links: KeyLinkSet
        /// No key of them is older.
        package var from: Milliseconds

        package init(stream: StreamDefinition, links: KeyLinkSet, from: Milliseconds) {
            self.stream = stream
            self.links = links
            self.from = from
        }
    }

    /// Where a page ended and the next begins.
    package struct AccessPlace: Sendable, Equatable {
        package var stream: StreamID
        package var partition: Int
        package var offset: Offset

        package init(stream: StreamID, partition: Int, offset: Offset) {
            self.stream = stream
            self.partition = partition
            self.offset = offset
        }
    }

    package struct AccessRequest: Sendable {
        package static let limitMax = 1_000

        /// The data subject, as events name it. Secret.
        package var subject: [UInt8]
        /// Its keyed hash, for the audit log.
        package var person: String
        /// Who asks.
        package var client: String
        package var role: String
        /// In ascending order of the streams' numbers.
        package var sources: [AccessSource]
        package var start: AccessPlace?
        /// Events handed out at most, 1...1,000.
        package var limit: Int
        /// Events with a time of at least `from` and less than `to`.
        package var from: Milliseconds?
        package var to: Milliseconds?

        package init(
            subject: [UInt8], person: String, client: String, role: String,
            sources: [AccessSource], start: AccessPlace? = nil, limit: Int = limitMax,
            from: Milliseconds? = nil, to: Milliseconds? = nil
        ) {
            self.subject = subject
            self.person = person
            self.client = client
            self.role = role
            self.sources = sources
            self.start = start
            self.limit = limit
            self.from = from
            self.to = to
        }
    }

    /// One event of the person.
    package struct AccessedEvent: Sendable {
        package var offset: Offset
        package var at: Milliseconds
        package var link: KeyLink
        /// The contract's number in the catalog.
        package var contract: UInt32
        package var consent: ConsentLevels
        /// Fields in clear that were sealed, and fields that stayed sealed.
        package var opened: Int
        package var sealed: Int
        /// Its canonical JSON in the page's body.
        package var json: Range<Int>
    }

    /// Some events of a person, all of one partition, on record as handed out.
    package struct AccessPage: Sendable {
        /// nil: no event was found.
        package var stream: StreamID?
        package var partition = 0
        /// Personal data in clear; at most 8 MiB or one event.
        package var body: [UInt8] = []
        package var events: [AccessedEvent] = []
        /// Events of the person's sequences that are about somebody else, name nobody, or cannot be
        /// told because the field is sealed and its key is gone. None of them is handed out.
        package var others = 0
        package var nameless = 0
        package var undecided = 0
        /// nil: there is nothing more.
        package var next: AccessPlace?
    }
}
