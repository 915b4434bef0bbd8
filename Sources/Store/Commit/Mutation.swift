/// One change to anything but events. The mutations of one request are done all or not at all.
package enum Mutation: Sendable {
    /// Family `keys`: key link → wrapped data key. Counted as a key made.
    case putKey(KeyLink, record: [UInt8])
    /// The same for a key that is there already: its record is wrapped anew. Not counted.
    case replaceKey(KeyLink, record: [UInt8])
    case deleteKey(KeyLink)
    /// Family `index`: any key (by convention stream, HMAC of the key-field value) → any value.
    case putIndex(key: [UInt8], value: [UInt8])
    case deleteIndex(key: [UInt8])
    /// Family `subjects`: key → any value.
    case putSubject(key: [UInt8], value: [UInt8] = [])
    case deleteSubject(key: [UInt8])
    /// Family `catalog`. `expectedRevision` nil: the document must not exist yet; 0: whatever is
    /// there is replaced; else: it must exist with this very revision. Otherwise `.conflict`.
    case putDocument(DocumentKey, body: [UInt8], expectedRevision: UInt64?)
    /// `expectedRevision` nil or 0: whatever is there, also nothing; else: it must be this one.
    case deleteDocument(DocumentKey, expectedRevision: UInt64?)
    /// Family `cursors`.
    case putCursor(key: [UInt8], value: [UInt8])
    case deleteCursor(key: [UInt8])
    /// Gets its sequence number from the `CommitStage` on the commit thread.
    case audit(AuditDraft)
}

/// An audit entry before it has a number and a time: members of a JSON object without the braces.
package struct AuditDraft: Sendable, Equatable {
    package var body: [UInt8]
    /// What is kept beside the entry, outside the tree, and forgotten one day. The body holds its
    /// hash.
    package var attachment: [UInt8]?
    /// Entries whose attachments are forgotten in the same commit.
    package var forgetsAttachments: [UInt64] = []

    package init(body: [UInt8], attachment: [UInt8]? = nil) {
        self.body = body
        self.attachment = attachment
    }

    var byteCount: Int { body.count + (attachment?.count ?? 0) + 9 * forgetsAttachments.count }
}

/// What a request of mutations got, once it is durable.
package struct CommitReceipt: Sendable, Equatable {
    /// The size of the audit log after the commit that holds the request; 0 without a stage.
    package var auditSizeAfter: UInt64
    /// The new revisions of the documents that the request put.
    package var documentRevisions: [DocumentKey: UInt64]

    package init(auditSizeAfter: UInt64 = 0, documentRevisions: [DocumentKey: UInt64] = [:]) {
        self.auditSizeAfter = auditSizeAfter
        self.documentRevisions = documentRevisions
    }
}
