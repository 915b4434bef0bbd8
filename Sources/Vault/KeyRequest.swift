import Store

/// What is asked when an event needs a key that is not in memory.
struct KeyRequest {
    let sequence: SequenceID
    let retention: RetentionClass
    let subject: Hash256?
    /// How the cache knows the sequence.
    let sequenceTag: SequenceTag
    /// How the cache remembers the subject; 0: there is none.
    let subjectTag: UInt64
    let now: Milliseconds
    let store: any KeyStore
}
