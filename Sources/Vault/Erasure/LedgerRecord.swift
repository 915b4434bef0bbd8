import FoundationEssentials
import Store

/// One line of the erasure ledger: a JSON object with a number, a time and one of the members below,
/// and at its end `"mac"`.
///
/// ```
/// {"at":1795435200000,"n":0,"opened":{"keyring":"…"},"mac":"…"}
/// {"at":…,"n":1,"requested":{"id":"e-…","client":"…","role":"dpo","person":"…","hasFence":false,
///    "subjects":[{"stream":7,"subject":"…"}],"keys":[{"stream":7,"epoch":3,"day":20780,"days":7,
///    "count":2,"links":"base64 of 16 bytes each"}],"recordedAt":…},"mac":"…"}
/// {"at":…,"n":2,"started":{"erasures":["e-…"]},"mac":"…"}
/// {"at":…,"n":3,"destroying":{"buckets":1,"survivors":3900,"unreadable":0,"renewsMasterKey":true},"mac":"…"}
/// {"at":…,"n":4,"completed":{"erasures":["e-…"],"number":2,…},"mac":"…"}
/// {"at":…,"n":5,"fenceLifted":{"client":"…","role":"dpo","person":"…","subjects":[…]},"mac":"…"}
/// {"at":…,"n":6,"found":{"erasure":"e-…","keys":[…]},"mac":"…"}
/// {"at":…,"n":90,"resumed":{"after":6},"mac":"…"}
/// ```
/// A MAC is HMAC-SHA-256, under a key that comes from the keyring, of the MAC of the line before (32
/// zero bytes for the first) and the line without the member `mac`. People are keyed hashes. Each number
/// is the one before and one, but that of `resumed`, which leaves out what was lost.
struct LedgerRecord: Codable, Equatable, Sendable {
    struct Opened: Codable, Equatable {
        /// Id of the keyring, in hexadecimal digits.
        var keyring: String
    }

    struct Subject: Codable, Equatable {
        var stream: UInt32
        var subject: String
    }

    /// Erased data keys of one stream, epoch and retention class.
    struct Keys: Codable, Equatable {
        var stream: UInt32
        var epoch: UInt32
        var day: UInt32
        var days: UInt16
        var count: Int
        /// nil: forgotten; the epoch was destroyed, and nothing has to be kept from coming back.
        var links: String?
    }

    /// Data keys of the person in one stream that were gone before: expired, or erased with another
    /// person's. They are of use to nobody; who had what they sealed is still a question.
    struct Gone: Codable, Equatable {
        var stream: UInt32
        var count: Int
        /// Since when there was the first of them; nil: not known.
        var since: Milliseconds?
        /// nil: forgotten.
        var links: String?
    }

    struct Requested: Codable, Equatable {
        var id: String
        var client: String
        var role: String
        var reference: String?
        var person: String
        var hasFence: Bool
        var subjects: [Subject]
        var keys: [Keys]
        /// nil: none.
        var gone: [Gone]?
        /// When it was put on record, and so took effect, if that was later than it was asked for.
        var recordedAt: Milliseconds?
    }

    struct Started: Codable, Equatable {
        var erasures: [String]
    }

    /// The survivors are safe, and the keys that are to go leave the keyring next: what will be true
    /// when they have. A process that finds them gone has it from here.
    struct Destroying: Codable, Equatable {
        var buckets: Int
        var survivors: Int
        var unreadable: Int
        /// The keyring without them is written under a new master key.
        var renewsMasterKey: Bool
    }

    /// The ledger is taken for the newest although keyring or store have seen more of it. Numbers go
    /// on behind all that were ever given, because keys are named by them.
    struct Resumed: Codable, Equatable {
        /// The last number that was found.
        var after: UInt64
    }

    /// More keys of an erased person, from before the request, that a backup brought back.
    struct Found: Codable, Equatable {
        var erasure: String
        var keys: [Keys]
    }

    struct FenceLifted: Codable, Equatable {
        var client: String
        var role: String
        var person: String
        var subjects: [Subject]
    }

    var n: UInt64
    var at: Milliseconds
    var opened: Opened?
    var requested: Requested?
    var started: Started?
    var destroying: Destroying?
    var resumed: Resumed?
    var completed: ErasureBatch?
    var fenceLifted: FenceLifted?
    var found: Found?

    init(n: UInt64, at: Milliseconds) {
        self.n = n
        self.at = at
    }

    private static let macStart = Array(#","mac":""#.utf8)
    private static let macEnd = Array("\"}".utf8)

    /// The line without its end, and its MAC.
    func line(after previous: Hash256, key: LockedMemory) -> (bytes: [UInt8], mac: Hash256) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body: [UInt8]
        do {
            body = Array(try encoder.encode(self))
        } catch {
            preconditionFailure("a ledger record is made of what JSON can hold")
        }
        let mac = key.withBytes { KeyedHash.hash(previous.bytes + body, key: $0) }
        let bytes = body.dropLast() + Self.macStart + Array(mac.hexadecimal.utf8) + Self.macEnd
        return (Array(bytes), mac)
    }

    /// Reads a line; nil if its MAC is not right.
    static func read(
        _ line: ArraySlice<UInt8>, after previous: Hash256, key: LockedMemory
    ) -> (record: LedgerRecord, mac: Hash256)? {
        let tail = macStart.count + 2 * Hash256.byteCount + macEnd.count
        guard line.count > tail else { return nil }
        let head = line.dropLast(tail)
        let digits = line.dropLast(macEnd.count).suffix(2 * Hash256.byteCount)
        guard line.suffix(tail).starts(with: macStart), line.suffix(macEnd.count) == macEnd[...],
            let found = Hash256(hexadecimal: String(decoding: digits, as: UTF8.self))
        else { return nil }
        let body = Array(head) + [UInt8(ascii: "}")]
        let mac = key.withBytes { KeyedHash.hash(previous.bytes + body, key: $0) }
        guard Cryptography.areEqual(mac.bytes, found.bytes),
            let record = try? JSONDecoder().decode(LedgerRecord.self, from: Data(body))
        else { return nil }
        return (record, mac)
    }
}

extension LedgerRecord.Gone {
    /// nil: not what this program writes.
    var decodedLinks: [KeyLink]? { LedgerRecord.Keys.decoded(links, count: count) }
}

extension LedgerRecord.Keys {
    /// nil: not what this program writes.
    var decodedLinks: [KeyLink]? { Self.decoded(links, count: count) }

    /// Empty: they were forgotten.
    static func decoded(_ links: String?, count: Int) -> [KeyLink]? {
        guard let links else { return [] }
        guard let data = Data(base64Encoded: links), data.count == count * 16 else { return nil }
        let bytes = Array(data)
        return stride(from: 0, to: bytes.count, by: 16).compactMap {
            KeyLink(bytes: bytes[$0..<$0 + 16])
        }
    }

    static func encoded(_ links: [KeyLink]) -> String {
        Data(links.flatMap(\.bytes)).base64EncodedString()
    }

    var epochClass: EpochClass? {
        RetentionClass(days: Int(days)).map { EpochClass(epoch: epoch, retention: $0) }
    }
}

extension LedgerRecord {
    /// Leaves out the links of destroyed epochs and of keys that were gone before.
    mutating func forgetLinks(_ isDestroyed: (EpochClass, UTCDay) -> Bool) {
        requested?.keys.forget(isDestroyed)
        found?.keys.forget(isDestroyed)
        for index in requested?.gone?.indices ?? 0..<0 { requested?.gone?[index].links = nil }
    }
}

extension [LedgerRecord.Keys] {
    /// Leaves out the links of destroyed epochs.
    fileprivate mutating func forget(_ isDestroyed: (EpochClass, UTCDay) -> Bool) {
        for index in indices {
            guard let id = self[index].epochClass,
                isDestroyed(id, UTCDay(number: self[index].day))
            else { continue }
            self[index].links = nil
        }
    }
}

extension LedgerRecord.Subject {
    init(_ fence: Fence) {
        self.init(stream: fence.stream.rawValue, subject: fence.subject.hexadecimal)
    }

    var fence: Fence? {
        Hash256(hexadecimal: subject).map {
            Fence(stream: StreamID(rawValue: stream), subject: $0)
        }
    }
}

extension Erasure {
    /// nil: not what this program writes.
    init?(_ record: LedgerRecord) {
        guard let requested = record.requested, let person = Hash256(hexadecimal: requested.person)
        else { return nil }
        let subjects = requested.subjects.compactMap(\.fence)
        guard subjects.count == requested.subjects.count else { return nil }
        self.init(
            id: requested.id, number: record.n, state: .requested, requestedAt: record.at,
            client: requested.client, role: requested.role, reference: requested.reference,
            hasFence: requested.hasFence, person: person, streams: subjects.map(\.stream),
            epochs: [], keys: [:], batch: nil, destroyedAt: nil, subjects: subjects)
        guard add(requested.keys) else { return nil }
        for gone in requested.gone ?? [] {
            guard let links = gone.decodedLinks else { return nil }
            self.gone.append(
                GoneKeys(
                    stream: StreamID(rawValue: gone.stream), count: gone.count, since: gone.since,
                    links: gone.links == nil ? nil : links))
        }
    }

    /// False: not what this program writes.
    mutating func add(_ more: [LedgerRecord.Keys]) -> Bool {
        for keys in more {
            guard let some = keys.decodedLinks, let id = keys.epochClass else { return false }
            let epoch = ErasedEpoch(
                stream: StreamID(rawValue: keys.stream), epoch: keys.epoch,
                day: UTCDay(number: keys.day), retention: id.retention, links: keys.count)
            if !some.isEmpty { self.keys[epoch.place, default: []] += some }
            epochs.append(epoch)
        }
        return true
    }
}
