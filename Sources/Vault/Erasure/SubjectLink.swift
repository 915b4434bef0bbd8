package import Store

/// A data key that seals events of a person.
package struct SubjectLink: Sendable, Hashable {
    package let link: KeyLink
    package let stream: StreamID
    /// When the key was made, ms since 1970; nil for a key that is gone and whose entry is of old.
    package var created: Milliseconds?
    /// From when on it seals nothing new; nil if its record is gone.
    package var sealsUntil: Milliseconds?
    /// How long its events are kept; nil if its record is gone.
    package var retention: RetentionClass?
    /// The epoch whose keys wrap it; nil if its record is gone.
    package var epoch: UInt32?
    /// When its epoch is destroyed, and all that it sealed with it, ms since 1970; nil if it is
    /// gone already.
    package var destroyedAt: Milliseconds?
    /// An erasure named it: of this person, or of another one of the same sequence.
    package var isErased: Bool
    /// Its fields can be opened now.
    package var isOpenable: Bool

    /// Which key of its epoch wraps it.
    var bucket: UInt8 { KeyRecord.bucket(of: link) }
}
