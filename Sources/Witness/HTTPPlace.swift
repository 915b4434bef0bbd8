import Audit
import AuditProof
import Buckets
import Store

/// A witness that speaks C2SP tlog-witness: it gets each checkpoint with the proof that its tree
/// begins with the one that it saw last, and answers with its cosignature.
struct HTTPPlace: OutsidePlace {
    /// Of an answer: some signature lines.
    static let replyByteCountMax = 16 << 10

    let kind = WitnessKind.url
    let title: String
    /// The witness's key; nil: what it signs is kept, but nobody here can tell whose it is.
    let key: CosignerKey?
    /// Sends a request body to `add-checkpoint`.
    let post: @Sendable ([UInt8]) async throws(BucketError) -> CheckedPost.Reply

    func confirm(
        _ log: OwnLog, last: OutsideConfirmation?, now: Milliseconds
    ) async throws(WitnessFailure) -> OutsideConfirmation {
        let size = try await log.read { $0.size }
        var oldSize = min(last?.size ?? 0, size)
        var reply = try await send(log, from: oldSize, to: size)
        if reply.status == 409, let seen = Self.size(reply), seen != oldSize {
            guard seen <= size else { throw .rolledBack(seen: seen, size: size) }
            // It knows this log from before, or took what we did not hear of: from there, then.
            oldSize = seen
            reply = try await send(log, from: oldSize, to: size)
        }
        switch reply.status {
        case 200: break
        case 422:
            throw .otherHistory("it has seen other first \(oldSize) entries than the log has")
        case 409 where oldSize == size && (Self.size(reply) ?? size) == size:
            throw .otherHistory("it has seen other \(size) entries than the log has")
        case 403: throw .failed("it does not know the key that signs the log")
        case 404: throw .failed("it does not know this log")
        default: throw .failed("it answers \(reply.status)")
        }
        return try confirmation(
            reply, try await log.read { try $0.signedNote(size: size) }, size, now)
    }

    private func send(
        _ log: OwnLog, from oldSize: UInt64, to size: UInt64
    ) async throws(WitnessFailure) -> CheckedPost.Reply {
        let update = try await log.read { try $0.treeUpdate(from: oldSize, to: size) }
        guard let update else { throw .failed("the log has no such tree") }
        do throws(BucketError) {
            return try await post(Array(update.text.utf8))
        } catch {
            throw .failed(error.description)
        }
    }

    /// The body of a 409: a size and a newline.
    private static func size(_ reply: CheckedPost.Reply) -> UInt64? {
        guard reply.mediaType == "text/x.tlog.size", reply.body.last == 0x0A else { return nil }
        let text = String(decoding: reply.body.dropLast(), as: UTF8.self)
        return UInt64(text).flatMap { String($0) == text ? $0 : nil }
    }

    /// Our note with those of the answer's signatures that count.
    private func confirmation(
        _ reply: CheckedPost.Reply, _ note: String, _ size: UInt64, _ now: Milliseconds
    ) throws(WitnessFailure) -> OutsideConfirmation {
        guard reply.body.count <= Self.replyByteCountMax else {
            throw .failed("its answer is too long")
        }
        let own: SignedNote
        let all: SignedNote
        do {
            own = try SignedNote(parsing: Array(note.utf8))
            all = try SignedNote(parsing: Array(note.utf8) + reply.body)
        } catch { throw .failed("its answer holds no signatures") }
        // The answer is only appended, so the text cannot have changed; it could still begin a note
        // of its own, with another text.
        guard all.text == own.text else { throw .failed("its answer holds no signatures") }
        var added = Array(all.signatures.dropFirst(own.signatures.count))
        var witnessedAt: UInt64?
        if let key {
            added = added.filter { $0.name == key.name && $0.keyID == key.keyID }
            do throws(NoteError) {
                witnessedAt = try key.cosigned(SignedNote(text: own.text, signatures: added))
            } catch {
                throw .failed("its cosignature: \(error)")
            }
        }
        // Lines under the log's own name are no cosignatures, and could pass for ours.
        let ownNames = Set(own.signatures.map(\.name))
        added.removeAll { ownNames.contains($0.name) }
        guard !added.isEmpty else { throw .failed("its answer holds no signatures") }
        let cosigned = SignedNote(text: own.text, signatures: own.signatures + added)
        return OutsideConfirmation(
            place: title, size: size, at: now, note: cosigned.serialized, isVerified: key != nil,
            witnessedAt: witnessedAt)
    }
}
