import AuditProof
import Buckets
import Crypto
import Query
import Store

/// Writes the keys of a batch beside its events: a CSV (RFC 4180), a line a key link. The right to
/// do so is asked for again for each portion, so that taking it back stops what is on its way.
struct KeysUpload {
    let upload: BatchUpload

    /// Keys that are released at once, with one audit entry.
    private static let portion = 10_000

    func write(
        _ links: Set<KeyLink>
    ) async throws(ExportError) -> WrittenBatch.KeysObject {
        let name = try upload.name(upload.plan.object + ".keys.csv")
        let object: any BucketUpload
        do throws(BucketError) {
            object = try await upload.bucket.begin(name, contentType: "text/csv")
        } catch {
            throw ExportError(error)
        }
        do throws(ExportError) {
            return try await send(links.sorted(), to: object, name)
        } catch {
            await object.abort()
            throw error
        }
    }

    private func send(
        _ links: [KeyLink], to object: any BucketUpload, _ name: ObjectName
    ) async throws(ExportError) -> WrittenBatch.KeysObject {
        var pending = Array("keyLink,encryptionKey,policyId,expiresAt\r\n".utf8)
        var hash = SHA256()
        var count = 0
        var rest = links[...]
        while !rest.isEmpty {
            try upload.check()
            let portion = Set(rest.prefix(Self.portion))
            rest = rest.dropFirst(Self.portion)
            for key in try await release(portion, name) {
                count += 1
                pending += line(key)
            }
            while pending.count > BucketLimits.partBytes {
                let part = Array(pending.prefix(BucketLimits.partBytes))
                pending.removeFirst(part.count)
                hash.update(data: part)
                do throws(BucketError) {
                    try await object.append(part)
                } catch {
                    throw ExportError(error)
                }
            }
        }
        hash.update(data: pending)
        // The last moment at which they can be kept back.
        try upload.check()
        _ = try upload.keyedReader()
        do throws(BucketError) {
            try await object.finish(pending)
        } catch {
            throw ExportError(error)
        }
        return .init(object: name.text, sha256: HexText.text(hash.finalize()), keyLinks: count)
    }

    private func release(
        _ links: Set<KeyLink>, _ name: ObjectName
    ) async throws(ExportError) -> [Query.ReleasedKey] {
        guard let reader = try upload.keyedReader() else { throw .keysForbidden }
        do throws(QueryError) {
            return try await upload.context.query.releaseKeys(
                reader, links,
                detail: [
                    "exporter": upload.exporter.name, "connector": upload.exporter.connector,
                    "object": name.text,
                ])
        } catch {
            throw ExportError(error)
        }
    }

    private func line(_ key: Query.ReleasedKey) -> [UInt8] {
        let keyset = String(decoding: key.keyset, as: UTF8.self)
            .replacing("\"", with: "\"\"")
        return Array(
            ("\(key.link),\"\(keyset)\",retention-\(key.retention),"
                + "\(LeafHeader.timeText(key.expiresAt))\r\n").utf8)
    }
}
