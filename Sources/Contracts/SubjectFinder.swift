/// Tells whether an event is about a certain person, by the data-subject field of its contract.
///
/// Looks at canonical JSON with its fields in clear: a sealed data-subject field has to be opened
/// first. Immutable.
package final class SubjectFinder: Sendable {
    /// What an event says about whom it is about.
    package enum Answer: Sendable, Equatable {
        case same
        case other
        /// The field is absent, null or empty.
        case nobody
        /// The text cannot be followed.
        case unreadable
    }

    private let shape: FieldShape

    /// nil: the contract names no data subject.
    package init?(_ contract: Contract) {
        guard let path = contract.dataSubjectPath,
            let shape = contract.shape(of: [(path, 0)])
        else { return nil }
        self.shape = shape
    }

    /// Where the value stands in the event, quotes included; nil: there is none. Also of an event
    /// whose fields are sealed.
    package func place(in json: UnsafeRawBufferPointer) -> Range<Int>? {
        var found: Range<Int>?
        guard shape.find(in: json, { place, _ in found = place }) else { return nil }
        return found
    }

    /// Compares the event's person with `subject`: a string's own UTF-8, or a number's canonical
    /// text, as `EventDecoder.subjectValue` gives it. Cost: one look at each byte.
    package func compare(
        _ json: UnsafeRawBufferPointer, with subject: UnsafeRawBufferPointer
    ) -> Answer {
        var places = 0
        var last: Range<Int>?
        let isRead = shape.find(in: json) { place, _ in
            last = place
            places += 1
        }
        // Outside lists and maps a path has one value; more would be a record that is not ours.
        guard isRead, places <= 1 else { return .unreadable }
        guard let last else { return .nobody }
        return compare(UnsafeRawBufferPointer(rebasing: json[last]), subject)
    }

    private func compare(
        _ value: UnsafeRawBufferPointer, _ subject: UnsafeRawBufferPointer
    ) -> Answer {
        guard value.count >= 2, value[0] == UInt8(ascii: "\"") else {
            return value.elementsEqual("null".utf8)
                ? .nobody : (value.elementsEqual(subject) ? .same : .other)
        }
        let text = UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)])
        guard !text.isEmpty else { return .nobody }
        return withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { room in
            defer { SecureBytes.wipe(room) }
            let count = JSONText.unescape(text, into: room)
            return room[..<count].elementsEqual(subject) ? .same : .other
        }
    }
}
