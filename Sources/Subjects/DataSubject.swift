import Contracts

/// A person, as events name them: the value of a contract's data-subject field. Secret: it is in no
/// URL, log, error, audit entry or file, and prints as a word.
package struct DataSubject: Sendable {
    /// As long as a text of an event may be.
    package static let bytesMax = EventLimits().stringBytesMax

    /// A string's own UTF-8; a number's digits.
    let bytes: [UInt8]

    /// nil: empty, or longer than any event can name.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...Self.bytesMax).contains(bytes.count) else { return nil }
        self.bytes = bytes
    }
}

extension DataSubject: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "a data subject" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
