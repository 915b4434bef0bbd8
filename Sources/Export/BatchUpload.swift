import AuditProof
import Buckets
import Crypto
import Query
import Store

/// Reads one range and writes its objects: the events, the keys if the exporter has them, then the
/// manifest. Harmless to repeat. Memory: a page of 8 MiB, its compressed form, and a part of 8 MiB.
struct BatchUpload: Sendable {
    let context: ExportContext
    let reader: Query.Reader
    let bucket: any Bucket
    var manifest: BatchManifest

    /// What was written; `manifest.content.events` is 0 if all of it had expired, and nothing was
    /// written then.
    struct Outcome: Sendable {
        var manifest: BatchManifest
        var manifestSha256: String
    }

    func run() async throws(ExportError) -> Outcome {
        var manifest = manifest
        guard let object = ObjectName(manifest.plan.object),
            let manifestName = ObjectNaming.manifest(of: object.text)
        else { throw .bucket(.invalid(pointer: "/pathPrefix", expected: "a shorter prefix")) }
        if manifest.exporter.includesKeys {
            // Asked before anything is sent; `Query` asks again before a key leaves.
            guard case .stream(let stream) = reader.target, stream.allowsKeyExport == true else {
                throw .keysForbidden
            }
        }
        try await writeEvents(object, &manifest)
        guard manifest.content.events > 0 else {
            return Outcome(manifest: manifest, manifestSha256: "")
        }
        if manifest.exporter.includesKeys { try await writeKeys(&manifest) }
        let signed: (document: [UInt8], sha256: String)
        do throws(NoteError) {
            signed = try manifest.signed(context.signer)
        } catch {
            throw .gone("the key that signs manifests")
        }
        do throws(BucketError) {
            try await bucket.put(manifestName, signed.document, contentType: "application/json")
        } catch {
            throw ExportError(error)
        }
        return Outcome(manifest: manifest, manifestSha256: signed.sha256)
    }

    private func writeEvents(
        _ object: ObjectName, _ manifest: inout BatchManifest
    ) async throws(ExportError) {
        let upload: any BucketUpload
        do throws(BucketError) {
            upload = try await bucket.begin(
                object, contentType: ObjectNaming.contentType(manifest.exporter.compression))
        } catch {
            throw ExportError(error)
        }
        do throws(ExportError) {
            try await stream(to: upload, &manifest)
        } catch {
            // Takes back what was sent; if that fails too, the next try does it.
            await upload.abort()
            throw error
        }
    }

    /// Reads page after page and sends part after part; the next page is read while the one before
    /// is sent.
    private func stream(
        to upload: any BucketUpload, _ manifest: inout BatchManifest
    ) async throws(ExportError) {
        let plan = manifest.plan
        let compressor = LineCompressor(manifest.exporter.compression)
        var object = ObjectParts(isCompressed: manifest.exporter.compression != .none)
        let end = Offset(rawValue: plan.end)
        var page = try await read(plan, from: Offset(rawValue: plan.first)).get()
        while let current = page {
            async let next = read(plan, from: current.next)
            manifest.content.add(current)
            if manifest.exporter.includesKeys {
                manifest.content.keyLinks.formUnion(current.keyLinks)
            }
            object.lines.update(data: current.body)
            compressor.append(current.body, into: &object.pending)
            if current.next == end { compressor.finish(into: &object.pending) }
            while let part = object.nextPart() {
                do throws(BucketError) {
                    try await upload.append(part)
                } catch {
                    throw ExportError(error)
                }
            }
            page = try await next.get()
        }
        guard manifest.content.events > 0 else { return await upload.abort() }
        let rest = object.rest()
        do throws(BucketError) {
            try await upload.finish(rest)
        } catch {
            throw ExportError(error)
        }
        manifest.bytes = object.byteCount
        (manifest.content.sha256, manifest.sha256) = object.hashes()
    }

    /// The page that begins at an offset; nil behind the end of the range.
    private func read(
        _ plan: BatchPlan, from place: Offset
    ) async -> Result<Query.RangePage?, ExportError> {
        let end = Offset(rawValue: plan.end)
        guard place < end else { return .success(nil) }
        do throws(QueryError) {
            let page = try await context.query.readRange(
                reader, partition: plan.partition, first: place, end: end)
            guard page.next > place else {
                return .failure(.store(.corrupt("a range does not end")))
            }
            return .success(page)
        } catch {
            return .failure(ExportError(error))
        }
    }

    /// RFC 4180, a line a key link.
    private func writeKeys(_ manifest: inout BatchManifest) async throws(ExportError) {
        guard let name = ObjectNaming.keys(of: manifest.plan.object) else { return }
        let keys: [Query.ReleasedKey]
        do throws(QueryError) {
            keys = try await context.query.releaseKeys(
                reader, manifest.content.keyLinks,
                detail: ["exporter": manifest.exporter.name, "object": name.text])
        } catch {
            throw ExportError(error)
        }
        var csv = "keyLink,encryptionKey,policyId,expiresAt\r\n"
        for key in keys {
            let keyset = key.keyset.replacing("\"", with: "\"\"")
            csv += "\(key.link),\"\(keyset)\",retention-\(manifest.retention),"
            csv += "\(LeafHeader.timeText(key.expiresAt))\r\n"
        }
        let bytes = Array(csv.utf8)
        do throws(BucketError) {
            try await writeWhole(name, bytes, contentType: "text/csv")
        } catch {
            throw ExportError(error)
        }
        manifest.keys = .init(
            object: name.text, sha256: HexText.text(SHA256.hash(data: bytes)),
            keyLinks: keys.count)
    }

    /// An object that may be too large for one request.
    private func writeWhole(
        _ name: ObjectName, _ bytes: [UInt8], contentType: String
    ) async throws(BucketError) {
        let upload = try await bucket.begin(name, contentType: contentType)
        do throws(BucketError) {
            var sent = 0
            while bytes.count - sent > BucketLimits.partBytes {
                try await upload.append(Array(bytes[sent..<sent + BucketLimits.partBytes]))
                sent += BucketLimits.partBytes
            }
            try await upload.finish(Array(bytes[sent...]))
        } catch {
            await upload.abort()
            throw error
        }
    }
}

/// The bytes of an object on their way: cut into parts, counted and hashed.
private struct ObjectParts {
    /// Of the lines before compression.
    var lines = SHA256()
    /// Of the object; without compression that is the same, and is not computed twice.
    private var object: SHA256?
    var pending: [UInt8] = []
    private(set) var byteCount: UInt64 = 0

    init(isCompressed: Bool) { object = isCompressed ? SHA256() : nil }

    /// A whole part while more than one is waiting, so that something is left to finish with.
    mutating func nextPart() -> [UInt8]? {
        guard pending.count > BucketLimits.partBytes else { return nil }
        let part = Array(pending.prefix(BucketLimits.partBytes))
        pending.removeFirst(part.count)
        note(part)
        return part
    }

    mutating func rest() -> [UInt8] {
        defer { pending = [] }
        note(pending)
        return pending
    }

    func hashes() -> (lines: String, object: String) {
        let text = HexText.text(lines.finalize())
        return (text, object.map { HexText.text($0.finalize()) } ?? text)
    }

    private mutating func note(_ bytes: [UInt8]) {
        object?.update(data: bytes)
        byteCount += UInt64(bytes.count)
    }
}
