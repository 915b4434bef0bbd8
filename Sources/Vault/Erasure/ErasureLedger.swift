import Store
import Synchronization

/// Who was erased: an append-only file beside the keyring, outside the database and its backups.
///
/// A backup of the database or of the keyring that comes back does not bring back an old ledger, so
/// what was erased stays erased. Each line is synced before it counts. A last line that is not
/// whole was never acknowledged and is dropped; anything else that is not as it was written is
/// refused. That nothing was cut off is for those to say who keep the last number: the keyring and
/// the store.
///
/// Questions take a short lock and never wait for the disk; changes are one at a time.
final class ErasureLedger: Sendable {
    static let fileName = "erasures.ledger"
    /// Some millions of erasures, or 48 million sequences that are not forgotten.
    static let bytesMax = 1 << 30

    private struct Writer {
        /// MAC of the last line.
        var mac = Hash256()
        /// Bytes of the file that count.
        var length = 0
        var hasFailed = false
        /// The file may be the one before or the one after a replacement that failed.
        var isUnknown = false
    }

    let directory: FileDirectory
    let path: String
    /// Before and after the file is replaced: a fault hook of the tests.
    private let replacementHook = Mutex<(@Sendable () throws(VaultError) -> Void)?>(nil)
    private let key: LockedMemory
    private let keyringID: String
    private let book: Mutex<ErasureBook>
    private let writer: Mutex<Writer>
    /// So that whoever asks pays nothing while nobody was erased.
    private let tombstoneCount: Atomic<Int>
    private let fenceCount: Atomic<Int>

    /// Reads the ledger, if there is one. Changes nothing on disk, but makes sure that what it read
    /// is there to stay, unless it `isReadOnly`.
    /// - Parameter knownNumber: the highest number that the keyring has seen.
    /// - Throws: `.ledger` if it is not the one that this keyring saw, whole and in order.
    init(
        directory path: String, indexRoot: LockedMemory, keyringID: [UInt8], knownNumber: UInt64,
        isReadOnly: Bool = false
    ) throws(VaultError) {
        self.path = "\(path)/\(Self.fileName)"
        directory = try Self.openDirectory(path)
        key = try LockedMemory(byteCount: Cryptography.keyBytes)
        let derived = indexRoot.withBytes {
            KeyedHash.hash(Array("strm erasure ledger v1".utf8), key: $0)
        }
        key.withMutableBytes { $0.copyBytes(from: derived.bytes) }
        self.keyringID = Hash256.hexadecimal(keyringID)
        var book = ErasureBook()
        var writer = Writer()
        let file = try directory.read(Self.fileName, bytesMax: Self.bytesMax)
        if let file {
            try Self.read(file, key, self.keyringID, &book, &writer, path: self.path)
            // What was read may be in the page cache only, and what is done by it must not be undone.
            if !isReadOnly {
                try directory.sync(Self.fileName)
                try directory.syncNames()
            }
        }
        guard book.number >= knownNumber else {
            throw Self.isOlder(
                self.path, isMissing: file == nil, book.number, knownNumber, "the keyring")
        }
        tombstoneCount = Atomic(book.tombstones.count)
        fenceCount = Atomic(book.fences.count)
        self.book = Mutex(book)
        self.writer = Mutex(writer)
    }

    /// Makes the directory (0700) if it is missing.
    static func makeDirectory(_ path: String) throws(VaultError) {
        _ = try FileDirectory(path: path, makes: true) { .ledger($0) }
    }

    /// Never makes it: below the mount point of a device that is not there it would be another one,
    /// and what is recorded in it would be gone when the device comes back.
    private static func openDirectory(_ path: String) throws(VaultError) -> FileDirectory {
        do throws(VaultError) {
            return try FileDirectory(path: path, makes: false) { .ledger($0) }
        } catch {
            guard case .ledger(let reason) = error else { throw error }
            throw .ledger("\(path): \(reason). Mount its device, or make it (mode 0700)")
        }
    }

    /// Refuses a ledger that ends before what the store has seen.
    func compare(withStore number: UInt64) throws(VaultError) {
        let own = self.number
        guard own >= number else {
            let isMissing = writer.withLock { $0.length == 0 }
            throw Self.isOlder(path, isMissing: isMissing, own, number, "the store")
        }
    }

    private static func isOlder(
        _ path: String, isMissing: Bool, _ own: UInt64, _ known: UInt64, _ witness: String
    ) -> VaultError {
        .ledger(
            isMissing
                ? "\(path) is missing, but \(witness) has seen number \(known) of it. Bring it back"
                : "\(path) ends with number \(own), but \(witness) has seen number \(known): it was "
                    + "cut or replaced by an older one. Bring back the newest")
    }

    // MARK: Questions

    var number: UInt64 { book.withLock { $0.number } }
    var snapshot: ErasureBook { book.withLock { $0 } }
    func erasure(_ id: String) -> Erasure? { book.withLock { $0[id] } }

    var hasTombstones: Bool { tombstoneCount.load(ordering: .acquiring) > 0 }

    /// Why it takes no more records, or soon will not; nil: it is well, or a change is going on at
    /// this moment, for which nobody waits here.
    var failure: VaultError? {
        guard let writer = self.writer.withLockIfAvailable({ $0 }) else { return nil }
        if writer.hasFailed {
            return .ledger("a write of \(path) failed; it takes no more until the next start")
        }
        if writer.isUnknown {
            return .ledger("\(path) could not be replaced; it is looked at before the next record")
        }
        let left = Self.bytesMax - writer.length
        guard Self.isAlmostFull(bytes: writer.length) else { return nil }
        return .ledger("\(path) is almost full: \(left) of \(Self.bytesMax) bytes are left")
    }

    /// Less than an eighth is left: a person of very many sequences is one line, and there must be
    /// time to see to it.
    static func isAlmostFull(bytes: Int) -> Bool { bytesMax - bytes < bytesMax / 8 }

    /// True if the key of the link must not be used any more.
    @inline(__always)
    func isErased(_ link: KeyLink) -> Bool {
        guard tombstoneCount.load(ordering: .acquiring) > 0 else { return false }
        return book.withLock { $0.tombstones.contains(link) }
    }

    /// True if new events of the person are to be refused in the stream.
    @inline(__always)
    func isFenced(_ subject: Hash256, in stream: StreamID) -> Bool {
        guard fenceCount.load(ordering: .acquiring) > 0 else { return false }
        let fence = Fence(stream: stream, subject: subject)
        return book.withLock { $0.fences.contains(fence) || $0.raisedFences.contains(fence) }
    }

    /// True if an erasure of the person in the stream took effect at this time or later.
    func wasErased(_ subject: Hash256, in stream: StreamID, since time: Milliseconds) -> Bool {
        let fence = Fence(stream: stream, subject: subject)
        return book.withLock { book in book.erasedAt[fence].map { $0 >= time } ?? false }
    }

    // MARK: Changes

    func failsReplacements(with hook: (@Sendable () throws(VaultError) -> Void)?) {
        replacementHook.withLock { $0 = hook }
    }

    private func beforeReplacement() throws(VaultError) {
        try replacementHook.withLock { $0 }?()
    }

    /// Fences from now on, in memory only, until the request is on record or given up.
    func raise(_ fences: Set<Fence>) { change { $0.raisedFences.formUnion(fences) } }
    func lower(_ fences: Set<Fence>) { change { $0.raisedFences.subtract(fences) } }
    func reopen(after number: UInt32) { change { $0.reopen(after: number) } }

    private func change(_ body: (inout ErasureBook) -> Void) {
        book.withLock {
            body(&$0)
            publishCounts($0)
        }
    }

    private func publishCounts(_ book: ErasureBook) {
        tombstoneCount.store(book.tombstones.count, ordering: .releasing)
        fenceCount.store(book.fences.count + book.raisedFences.count, ordering: .releasing)
    }

    /// Appends a record, which gets the next number. Durable on return, and visible. Blocks.
    /// - Throws: `.ledger`: it may be on disk all the same, and be found at the next start. After a
    ///   sync that failed nothing more is appended until then.
    @discardableResult
    func append(
        at now: Milliseconds, number: UInt64? = nil, _ fill: (inout LedgerRecord) -> Void
    ) throws(VaultError) -> LedgerRecord {
        try writer.withLock { writer throws(VaultError) in
            guard !writer.hasFailed else {
                throw .ledger("a write of \(path) failed; it takes no more until the next start")
            }
            try reopen(&writer)
            if writer.length == 0 { try begin(&writer, now) }
            var record = LedgerRecord(n: number ?? self.number + 1, at: now)
            fill(&record)
            let (line, mac) = record.line(after: writer.mac, key: key)
            guard writer.length + line.count < Self.bytesMax else {
                throw .ledger("\(path) is full: it may hold \(Self.bytesMax) bytes")
            }
            // If this fails, for want of room perhaps, the next one begins where it began.
            try directory.append(line + [0x0A], to: Self.fileName, at: writer.length)
            // If that fails nobody knows what the disk holds: never tried again.
            writer.hasFailed = true
            try directory.sync(Self.fileName)
            writer.hasFailed = false
            writer.mac = mac
            writer.length += line.count + 1
            book.withLock {
                precondition($0.add(record), "a record that its own reader refuses")
                publishCounts($0)
            }
            return record
        }
    }

    /// Goes on behind this number, if it is higher than the last one: what lies between is lost. Durable
    /// on return. Blocks.
    func resume(after number: UInt64, at now: Milliseconds) throws(VaultError) {
        let last = self.number
        guard last < number else { return }
        try append(at: now, number: number + 1) { $0.resumed = LedgerRecord.Resumed(after: last) }
    }

    private func begin(_ writer: inout Writer, _ now: Milliseconds) throws(VaultError) {
        var record = LedgerRecord(n: 0, at: now)
        record.opened = LedgerRecord.Opened(keyring: keyringID)
        let (line, mac) = record.line(after: Hash256(), key: key)
        try directory.replace(Self.fileName, with: line + [0x0A])
        writer.mac = mac
        writer.length = line.count + 1
    }

    /// Forgets what `ErasureBook.forget` does, in the file too, which is replaced by a shorter one.
    /// What else was recorded stays, with its numbers. Blocks.
    /// - Parameter receipts: ids of the erasures that have one; nil: all.
    func forget(
        at now: Milliseconds, receipts: Set<String>?,
        destroyed isDestroyed: (EpochClass, UTCDay) -> Bool
    ) throws(VaultError) {
        try writer.withLock { writer throws(VaultError) in
            guard writer.length > 0, !writer.hasFailed,
                canForget(at: now, receipts, isDestroyed)
            else { return }
            try reopen(&writer)
            guard let file = try directory.read(Self.fileName, bytesMax: Self.bytesMax) else {
                throw .ledger("\(path) is gone while it is in use")
            }
            var mac = Hash256()
            var newMAC = Hash256()
            var bytes: [UInt8] = []
            for line in file[..<writer.length].split(separator: 0x0A) {
                guard let read = LedgerRecord.read(line, after: mac, key: key) else {
                    throw .ledger("\(path) was changed by somebody else")
                }
                mac = read.mac
                var record = read.record
                if let id = record.requested?.id ?? record.found?.erasure,
                    erasure(id)?.isForgettable(at: now, receipts: receipts) == true
                {
                    record.forgetLinks(isDestroyed)
                }
                let (text, made) = record.line(after: newMAC, key: key)
                newMAC = made
                bytes += text + [0x0A]
            }
            writer.isUnknown = true
            try beforeReplacement()
            try directory.replace(Self.fileName, with: bytes)
            try beforeReplacement()
            writer.isUnknown = false
            writer.mac = newMAC
            writer.length = bytes.count
            book.withLock {
                $0.forget(at: now, receipts: receipts, destroyed: isDestroyed)
                publishCounts($0)
            }
        }
    }

    /// Looks at which file is there after a replacement that failed.
    private func reopen(_ writer: inout Writer) throws(VaultError) {
        guard writer.isUnknown else { return }
        guard let file = try directory.read(Self.fileName, bytesMax: Self.bytesMax) else {
            throw .ledger("\(path) is gone while it is in use")
        }
        var book = ErasureBook()
        var found = Writer()
        try Self.read(file, key, keyringID, &book, &found, path: path)
        guard book.number == number else {
            throw .ledger("\(path) was changed by somebody else")
        }
        try directory.sync(Self.fileName)
        try directory.syncNames()
        writer = found
    }

    private func canForget(
        at now: Milliseconds, _ receipts: Set<String>?,
        _ isDestroyed: (EpochClass, UTCDay) -> Bool
    ) -> Bool {
        book.withLock { book in
            book.erasures.contains { erasure in
                erasure.isForgettable(at: now, receipts: receipts)
                    && (erasure.gone.contains { $0.links != nil }
                        || erasure.epochs.contains {
                            erasure.keys[$0.place] != nil && isDestroyed($0.id, $0.day)
                        })
            }
        }
    }

    // MARK: Reading

    private static func follows(_ record: LedgerRecord, _ number: UInt64) -> Bool {
        guard let resumed = record.resumed else { return record.n == number + 1 }
        return resumed.after == number && record.n > number
    }

    private static func read(
        _ file: [UInt8], _ key: LockedMemory, _ keyringID: String, _ book: inout ErasureBook,
        _ writer: inout Writer, path: String
    ) throws(VaultError) {
        var start = 0
        var lines = 0
        while let end = file[start...].firstIndex(of: 0x0A) {
            guard
                let (record, mac) = LedgerRecord.read(
                    file[start..<end], after: writer.mac, key: key),
                lines == 0 ? record.n == 0 : Self.follows(record, book.number),
                (lines == 0) == (record.opened != nil), book.add(record)
            else {
                // The last line may be what a power cut left of one that nobody was told of. If it
                // was more than that, keyring and store know a higher number.
                if lines > 0 && end == file.count - 1 { return }
                throw .ledger(
                    lines == 0
                        ? "\(path) is damaged, or it belongs to another installation than keyring "
                            + keyringID
                        : "\(path) was altered: line \(lines + 1) is not what was written")
            }
            writer.mac = mac
            writer.length = end + 1
            start = end + 1
            lines += 1
        }
    }
}
