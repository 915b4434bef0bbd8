import Audit
import AuditProof
import Buckets
import Store

/// A bucket that gets each checkpoint as an object of its own, `checkpoints/<size>`. A bucket with
/// versions or object lock keeps what was written, whoever writes later.
///
/// Nothing is read back: a bucket does not tell whether the log was rolled back, its owner sees it.
struct BucketPlace: OutsidePlace {
    let kind = WitnessKind.connector
    /// While the log does not grow its checkpoint is written again so often: that the bucket has it
    /// is known from no more than an answer of the bucket.
    static let rewriteMilliseconds: Milliseconds = 3_600_000

    /// Of the connector.
    let title: String
    let open: Witnesses.BucketOpening

    func confirm(
        _ log: OwnLog, last: OutsideConfirmation?, now: Milliseconds
    ) async throws(WitnessFailure) -> OutsideConfirmation {
        let (checkpoint, note) = try await log.read { try $0.signedTree() }
        if let last, last.size > checkpoint.size {
            throw .rolledBack(seen: last.size, size: checkpoint.size)
        }
        if let last, last.size == checkpoint.size, last.place == title, Self.isSame(last, note),
            (last.at...last.at + Self.rewriteMilliseconds).contains(now)
        {
            return last
        }
        guard let name = ObjectName("checkpoints/\(checkpoint.size)") else {
            preconditionFailure("a size is a name")
        }
        do throws(BucketError) {
            let bucket = try await open(title)
            do throws(BucketError) {
                try await bucket.put(name, Array(note.utf8), contentType: "text/plain")
                await bucket.close()
            } catch {
                await bucket.close()
                throw error
            }
        } catch {
            throw .failed(error.description)
        }
        return OutsideConfirmation(place: title, size: checkpoint.size, at: now, note: note)
    }

    /// The tree that was put there; its signatures may be others after a change of the key.
    private static func isSame(_ last: OutsideConfirmation, _ note: String) -> Bool {
        let texts = [last.note, note].map { try? SignedNote(parsing: Array($0.utf8)).text }
        return texts[0] != nil && texts[0] == texts[1]
    }
}
