import Audit
package import Contracts
import Privacy
package import Store
import Vault

/// Kept refused events: what is known of them, and the only place that opens their bodies.
///
/// No reader of a stream or of a derived stream comes here, and no exporter: they look at the
/// partitions that hold events, these lie in another one.
extension Query {
    /// One kept event, unopened.
    package struct Rejection: Sendable {
        package var offset: Offset
        package var at: Milliseconds
        package var about: KeptRejection
        /// It was stored as an event by a replay.
        package var isReplayed: Bool
    }

    package struct RejectionPage: Sendable {
        package var items: [Rejection]
        /// Where the next page begins.
        package var next: Offset
        /// Nothing more was there.
        package var isAtEnd: Bool
    }

    /// One kept event with its body in clear.
    package struct OpenedRejection: Sendable {
        package var rejection: Rejection
        package var body: RefusedBody
    }

    package static let rejectionsMax = 1_000
    /// Bytes of sealed records that one call looks at, so that a page of large bodies ends early.
    private static let rejectionBytesMax = 32 << 20

    /// The kept refused events of a stream, in the order in which they were refused, none opened.
    /// Cost: the records of one page, on a reader thread.
    /// - Parameters:
    ///   - from: not those that were refused earlier.
    ///   - start: where the page before ended.
    package func rejections(
        of stream: StreamDefinition, from: Milliseconds?, start: Offset, limit: Int
    ) async throws(QueryError) -> RejectionPage {
        guard (1...Self.rejectionsMax).contains(limit) else {
            throw .badRequest("limit is 1 to \(Self.rejectionsMax)")
        }
        let (store, replays, now) = (store, replays, clock())
        let floor = max(stream.retention.floor(now: now), from ?? .min)
        return try await onReaderThread { () throws(QueryError) -> RejectionPage in
            var items: [Rejection] = []
            let read = try Self.readingStore {
                try store.read(
                    stream.rejectionPartition, from: start, limit: limit,
                    byteLimit: Self.rejectionBytesMax, notBefore: floor
                ) { record in
                    if let about = KeptRejection(record) {
                        items.append(
                            Rejection(
                                offset: record.offset, at: record.timestamp, about: about,
                                isReplayed: false))
                    }
                    return true
                }
            }
            let replayed = try replays.of(stream, store, now: now)
            for index in items.indices {
                items[index].isReplayed = replayed.contains(items[index].offset.rawValue)
            }
            return RejectionPage(items: items, next: read.next, isAtEnd: read.reachedTail)
        }
    }

    /// Opens the body of one kept event for a person. One audit entry, durable before this returns.
    /// - Returns: nil if there is none at the offset, or its key is gone.
    /// - Throws: `.auditUnavailable`, and nothing is handed out.
    package func showRejection(
        of stream: StreamDefinition, offset: Offset, to client: String, role: String
    ) async throws(QueryError) -> OpenedRejection? {
        guard let opened = try await openRejections(of: stream, at: [offset]).first else {
            return nil
        }
        let about = opened.rejection.about
        var entry = AuditEntry(
            act: .rejectionShown, client: client, role: role, stream: stream.name,
            offsets: (offset, offset), events: 1,
            detail: ["sender": about.client, "rule": about.rule])
        if !about.contract.isEmpty { entry.contracts = [about.contract] }
        do {
            try await audit.append(entry)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
        return opened
    }

    /// Opens bodies in memory, in the order of the offsets; those that are not there any more are
    /// left out. Not on record: whoever calls writes an entry before anything leaves, or has.
    func openRejections(
        of stream: StreamDefinition, at offsets: [Offset]
    ) async throws(QueryError) -> [OpenedRejection] {
        let (store, vault, now) = (store, vault, clock())
        let floor = stream.retention.floor(now: now)
        return try await onReaderThread { () throws(QueryError) -> [OpenedRejection] in
            var opened: [OpenedRejection] = []
            for offset in offsets {
                var found: SealedRejection?
                _ = try Self.readingStore {
                    try store.read(
                        stream.rejectionPartition, from: offset, limit: 1, notBefore: floor
                    ) { record in
                        if record.offset == offset { found = SealedRejection(record) }
                        return false
                    }
                }
                if let found, let body = try found.open(vault, now: now) {
                    opened.append(OpenedRejection(rejection: found.rejection, body: body))
                }
            }
            return opened
        }
    }

    static func readingStore<R>(_ read: () throws -> R) throws(QueryError) -> R {
        do {
            return try read()
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            // The visits throw nothing, so this can only be a new kind of error of the store.
            throw .store(.io("a read failed"))
        }
    }
}

/// A kept event on its way from the store's memory to where it is opened.
private struct SealedRejection {
    let rejection: Query.Rejection
    private let link: KeyLink
    private let sealed: [UInt8]

    init?(_ record: borrowing EventRecordView) {
        guard let about = KeptRejection(record) else { return nil }
        let span = record.span(at: 0)
        let (start, end) = (Int(span.start), Int(span.start) + Int(span.length))
        guard end <= record.json.count else { return nil }
        rejection = Query.Rejection(
            offset: record.offset, at: record.timestamp, about: about, isReplayed: false)
        link = record.keyLink
        sealed = Array(record.json[start..<end])
    }

    /// nil: its key is gone, or it was altered. Blocks on the disk.
    func open(_ vault: Vault, now: Milliseconds) throws(QueryError) -> RefusedBody? {
        var body: RefusedBody?
        do throws(VaultError) {
            _ = try vault.withKey(link: link, now: now) { key in
                body = open(key)
                return body != nil
            }
            return body
        } catch {
            switch error {
            case .keyGone: return nil
            case .store(let error): throw .store(error)
            case .sealedVault, .keyring, .masterKey, .masterKeyAbsent, .ledger, .subjectFenced:
                throw .unavailable(retryAfterSeconds: 1)
            }
        }
    }

    private func open(_ key: borrowing DataKey) -> RefusedBody? {
        var cipher = FieldCipher()
        let keyID = key.keyID
        key.withBytes { cipher.setKey($0, keyID: keyID) }
        let room = WipedRoom(byteCount: FieldCipher.openedCountMax(sealed.count))
        return sealed.withUnsafeBytes { text in
            guard let count = try? cipher.open(text, into: room.bytes) else { return nil }
            return RefusedBody(
                UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room.bytes)[..<count]))
        }
    }
}
