import AuditProof
import Buckets
import Crypto
import Query
import Store

/// Reads one range and writes its objects: the events, then the keys if the exporter has them. The
/// manifest follows when what they hold is written down. Harmless to repeat. Memory: two pages of
/// 8 MiB, what they compress to, and a part of 8 MiB.
struct BatchUpload: Sendable {
    let context: ExportContext
    let exporter: ExporterDefinition
    let plan: BatchPlan
    let bucket: any Bucket
    /// True once the exporter was deleted: nothing more leaves then.
    let isEnded: @Sendable () -> Bool

    /// Compressed and hashed without a pause: others have their turn in between.
    private static let sliceBytes = 256 << 10

    /// nil: all of the range has expired, and nothing lies in the bucket.
    func write() async throws(ExportError) -> WrittenBatch? {
        let object = try name(plan.object)
        _ = try keyedReader()
        guard let (events, links) = try await writeEvents(object, reader(of: object)) else {
            try await removeLeftovers(object)
            return nil
        }
        var written = events
        if exporter.includesKeys {
            written.keys = try await KeysUpload(upload: self).write(links)
        }
        return written
    }

    /// Writes the manifest and gives its hash.
    func writeManifest(_ manifest: BatchManifest) async throws(ExportError) -> String {
        try check()
        let signed: (document: [UInt8], sha256: String)
        do throws(NoteError) {
            signed = try manifest.signed(context.signer())
        } catch {
            throw .gone("the key that signs manifests")
        }
        let name = try name(plan.object + ".manifest.json")
        do throws(BucketError) {
            try await bucket.put(name, signed.document, contentType: "application/json")
        } catch {
            throw ExportError(error)
        }
        return signed.sha256
    }

    func check() throws(ExportError) {
        if Task.isCancelled || isEnded() { throw .ended }
    }

    /// Of an exporter that hands out keys: the stream as it is now, which must allow it now.
    func keyedReader() throws(ExportError) -> Query.Reader? {
        guard exporter.includesKeys else { return nil }
        let reader = try context.reader(exporter)
        guard case .stream(let stream) = reader.target, stream.allowsKeyExport == true else {
            throw .keysForbidden
        }
        return reader
    }

    /// Names the object in each entry of a release, so that the entry says where the events went.
    private func reader(of object: ObjectName) throws(ExportError) -> Query.Reader {
        var reader = try context.reader(exporter)
        reader.detail = [
            "exporter": exporter.name, "connector": exporter.connector, "object": object.text,
        ]
        return reader
    }

    func name(_ text: String) throws(ExportError) -> ObjectName {
        guard let name = ObjectName(text) else {
            throw .bucket(.invalid(pointer: "/pathPrefix", expected: "a shorter prefix"))
        }
        return name
    }

    private func writeEvents(
        _ object: ObjectName, _ reader: Query.Reader
    ) async throws(ExportError) -> (WrittenBatch, Set<KeyLink>)? {
        let upload: any BucketUpload
        do throws(BucketError) {
            upload = try await bucket.begin(
                object, contentType: ObjectNaming.contentType(exporter.compression))
        } catch {
            throw ExportError(error)
        }
        do throws(ExportError) {
            if let written = try await stream(to: upload, reader) { return written }
        } catch {
            // Takes back what was sent; if that fails too, the next try does it.
            await upload.abort()
            throw error
        }
        await upload.abort()
        return nil
    }

    /// Reads page after page and sends part after part; the next page is read while the one before
    /// is sent.
    private func stream(
        to upload: any BucketUpload, _ reader: Query.Reader
    ) async throws(ExportError) -> (WrittenBatch, Set<KeyLink>)? {
        let compressor = LineCompressor(exporter.compression)
        var object = ObjectParts(isCompressed: exporter.compression != .none)
        var content = BatchContent()
        var links: Set<KeyLink> = []
        var page = try await read(reader, from: Offset(rawValue: plan.first)).get()
        while let current = page {
            try check()
            async let next = read(reader, from: current.next)
            content.add(current)
            if exporter.includesKeys { links.formUnion(current.keyLinks) }
            var rest = current.body[...]
            while !rest.isEmpty {
                let slice = Array(rest.prefix(Self.sliceBytes))
                rest = rest.dropFirst(slice.count)
                object.lines.update(data: slice)
                compressor.append(slice, into: &object.pending)
                await Task.yield()
            }
            if current.next.rawValue == plan.end { compressor.finish(into: &object.pending) }
            while let part = object.nextPart() {
                do throws(BucketError) {
                    try await upload.append(part)
                } catch {
                    throw ExportError(error)
                }
            }
            page = try await next.get()
        }
        if plan.expired(content) > 0 {
            // Before anything takes the place of an object that may hold more.
            guard await context.clockIsTrusted() else { throw .clockNotTrusted }
        }
        guard content.events > 0 else { return nil }
        try check()
        _ = try current(reader)
        let rest = object.rest()
        do throws(BucketError) {
            try await upload.finish(rest)
        } catch {
            throw ExportError(error)
        }
        let hashes = object.hashes()
        content.sha256 = hashes.lines
        return (
            WrittenBatch(content: content, bytes: object.byteCount, sha256: hashes.object), links
        )
    }

    /// The reader as the catalog has it now: an approval may be taken back while a batch is on its
    /// way, or the derived stream be another one of the same name.
    private func current(_ reader: Query.Reader) throws(ExportError) -> Query.Reader {
        var now = try context.reader(exporter)
        now.detail = reader.detail
        guard now.target.derived?.id == reader.target.derived?.id else { throw .ended }
        guard now.target.derived?.isApproved != false else { throw .query(.notApproved) }
        return now
    }

    /// The page that begins at an offset; nil behind the end of the range.
    private func read(
        _ reader: Query.Reader, from place: Offset
    ) async -> Result<Query.RangePage?, ExportError> {
        let end = Offset(rawValue: plan.end)
        guard place < end else { return .success(nil) }
        let current: Query.Reader
        do throws(ExportError) {
            current = try self.current(reader)
        } catch {
            return .failure(error)
        }
        do throws(QueryError) {
            let page = try await context.query.readRange(
                current, partition: plan.partition, first: place, end: end)
            guard page.next > place else {
                return .failure(.store(.corrupt("a range does not end")))
            }
            return .success(page)
        } catch {
            return .failure(ExportError(error))
        }
    }

    /// An earlier try may have written objects whose events have expired since: without a manifest
    /// nobody would know what they are.
    private func removeLeftovers(_ object: ObjectName) async throws(ExportError) {
        for name in [object, try name(object.text + ".keys.csv")] {
            do throws(BucketError) {
                try await bucket.delete(name)
            } catch {
                // Whoever may only put objects has a rule of the bucket for old ones.
                guard case .forbidden = error else { throw ExportError(error) }
            }
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
