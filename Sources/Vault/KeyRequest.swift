import Store

/// What is asked when an event needs a key that is not in memory.
struct KeyRequest {
    let sequence: SequenceID
    let retention: RetentionClass
    let subject: Hash256?
    let now: Milliseconds
    let store: any KeyStore

    /// How the cache remembers the subject; 0: there is none.
    var subjectTag: UInt64 { subject.map { Vault.tag($0) } ?? 0 }
}
