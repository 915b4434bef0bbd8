/// What was done. The raw value stands in the log for ever: cases are added, never renamed.
package enum Act: String, Sendable, CaseIterable {
    /// Opened fields of events were handed out.
    case release
    case tokenIssued
    case tokenRefused
    /// New data keys; one entry a commit, with their number in `keyLinks`.
    case keysMade
    case contractCreated
    /// A draft was replaced by another text.
    case contractChanged
    /// Its author asks for approval.
    case contractSubmitted
    case contractApproved
    /// It is a draft again; the reason stands with the contract.
    case contractRejected
    case contractActivated
    case contractArchived
    case contractReactivated
    case contractDeleted
    case streamCreated
    case streamDeleted
    case derivedStreamCreated
    /// Readers may read it from now on.
    case derivedStreamApproved
    /// Nobody may read it, or not any more.
    case derivedStreamRejected
    case derivedStreamDeleted
    /// A consent level got a name, a legal basis and an owner, or other ones.
    case purposeSet
    case purposeDeleted
    /// What a derived stream would show was counted; nothing was handed out but the counts.
    case derivedStreamMeasured
    case clientCreated
    case clientDisabled
    case clientDeleted
    case serverStarted
    case serverStopped
    /// A person's data keys are unusable from now on. The person is a keyed hash.
    case erasureRequested
    /// What wrapped an erased person's data keys is destroyed: no copy of them can be opened.
    case erasureCompleted
    /// The store was older than the erasure ledger: what it lacked was done again.
    case erasuresReplayed
    /// Events of an erased person are taken again.
    case fenceLifted
    /// It had waited sealed; an operator brought the master key.
    case serverUnsealed
    /// The keys of an expired epoch were destroyed.
    case epochDestroyed
    /// Expired days of events were dropped from the disk.
    case daysDropped
    /// The clock jumped: nothing is destroyed until an operator confirms it.
    case expiryHeld
    case clockConfirmed
    case tokenKeyRotated
    /// The log is signed by another key from this entry on; the detail names both.
    case auditKeyRotated
    case masterKeyRotated
    /// What old entries say about single sequences was deleted: whose fields they handed out.
    case disclosuresForgotten
    /// A question was answered from the audit log.
    case auditAsked
    /// The audit log itself was handed out.
    case auditExported
    case connectorCreated
    /// Its credentials were replaced by others.
    case connectorRekeyed
    case connectorDeleted
    /// A connector's bucket was written to and read, to see whether it can be used.
    case connectorTested
    case exporterCreated
    case exporterPaused
    case exporterResumed
    case exporterDeleted
    /// A batch of events lies in a bucket. Of a derived stream its releases are entries before it.
    case batchExported
    /// Events expired before an exporter could take them.
    case exportLost
    case keyExportAllowed
    case keyExportForbidden
    /// Data keys were handed out: whoever has them can open what they sealed, for ever.
    case keysExported
    /// Bodies of refused events are kept, sealed, from now on.
    case rejectionKeepingStarted
    case rejectionKeepingStopped
    /// The body of a kept refused event was opened for a person.
    case rejectionShown
    /// Kept refused events go through the gate again; one entry before, one with what became of them.
    case rejectionsReplayed
    /// Somebody looked for marked plaintext with `strm prove`; the verdict and the hash of the result.
    case proofRecorded
    /// Which sequences are on record for a person was asked; the person is a keyed hash.
    case subjectLinksShown
    /// A page of what is held about a person was handed out.
    case subjectAccessed
    /// An erasure was asked for of a person of whom nothing was left: the answer was the one of before.
    case erasureRepeated
    /// The receipt of an erasure was signed; its hash is in the detail.
    case erasureReceiptIssued
    /// A copy of the database; one entry before it is made, one with what became of it.
    case backupCreated
    case backupDeleted
    /// The database is a backup that was brought back: what the log held beyond `auditSize` is
    /// abandoned, and stands in no later tree.
    case storeRestored
    /// The database was older than the watermark, or there was none, and `recovery.acceptsOlderState`
    /// let it in. The detail is as above.
    case olderStateAccepted
}
