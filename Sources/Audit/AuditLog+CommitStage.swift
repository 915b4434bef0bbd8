import AuditProof
package import Store
import Synchronization

/// The commit thread's side of the log.
extension AuditLog {
    package func stage(
        _ drafts: [AuditDraft], keysMade: Int, at time: Milliseconds,
        into writes: inout StagedWrites
    ) {
        state.withLock { state in
            state.lastMilliseconds = max(state.lastMilliseconds, time)
            if keysMade > 0 { Self.append(LeafText.keysMade(keysMade), &state, &writes) }
            for draft in drafts {
                if let attachment = draft.attachment {
                    let key = AuditFamily.attachmentKey(state.frontier.size)
                    writes.putAudit(key: key, value: attachment)
                }
                for index in draft.forgetsAttachments {
                    writes.forgetAudit(key: AuditFamily.attachmentKey(index))
                }
                Self.append(draft.body, &state, &writes)
            }
            writes.auditSizeAfter = state.frontier.size
        }
    }

    package func didCommit() {
        state.withLock { state in
            state.durableSize = state.frontier.size
            state.durableRoot = state.frontier.root
            guard let rotation = state.rotation, let entry = rotation.entry else { return }
            // With the size that holds its entry, so that no tree is signed by the wrong key.
            state.terms.append(
                SigningTerm(
                    number: rotation.number, signer: rotation.signer, entry: entry,
                    overlapEnd: rotation.stagedAt
                        + Milliseconds(rotation.overlapDays) * Self.dayMilliseconds))
            state.rotation = nil
            state.signed = nil
        }
    }

    package func watermark() -> [UInt8] {
        let (size, root) = state.withLock { ($0.durableSize, $0.durableRoot) }
        return AuditWatermark(size: size, root: root).bytes
    }

    private static func append(
        _ body: [UInt8], _ state: inout State, _ writes: inout StagedWrites
    ) {
        precondition(
            body.count <= LeafText.bodyByteCountMax && !body.contains(0x0A),
            "an audit draft is made by AuditLog.draft, which keeps it short and on one line")
        let index = state.frontier.size
        if state.rotation?.body == body {
            state.rotation?.entry = index
            state.rotation?.stagedAt = state.lastMilliseconds
        }
        var leaf: [UInt8] = []
        leaf.reserveCapacity(body.count + 64)
        LeafHeader.append(number: index, milliseconds: state.lastMilliseconds, to: &leaf)
        leaf.append(0x2C)
        leaf += body
        leaf.append(0x7D)
        writes.putAudit(key: AuditFamily.leafKey(index), value: AuditFamily.leafValue(leaf))
        state.frontier.append(leafHash: MerkleTree.leafHash(leaf)) { position, hash in
            writes.putAudit(key: AuditFamily.hashKey(position), value: hash.bytes)
        }
    }
}
