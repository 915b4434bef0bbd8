import Contracts
import Foundation
import Store

@testable import Privacy
@testable import Vault

/// Somebody who has copies of what was on the disks before, and everything that is there now, our
/// program, and the name of the person; and who keeps none of the program's rules. What is opened
/// is opened by the product's own code: keyrings, records of data keys, fields.
struct Attacker {
    /// A database of events and wrapped data keys: an image's, a backup's, or today's.
    struct Copy {
        let name: String
        let content: StolenDatabase
        /// Records that lie beside an erasure ledger.
        let rewrapped: [(link: KeyLink, record: [UInt8])]
    }

    struct Loot {
        var copies: [Copy] = []
        /// Files of keyrings, whole or not, by where they come from.
        var keyrings: [(name: String, bytes: [UInt8])] = []
        /// What may be a master key.
        var masterKeys: [(name: String, bytes: [UInt8])] = []
        /// Today's master key and keyring: from them come the secrets by which people are found.
        var today: (keyring: [UInt8], masterKey: [UInt8]) = ([], [])
    }

    struct Outcome {
        /// Keyring files tried with keys.
        var tries = 0
        /// Names of keyring files that were opened, with the key's.
        var opened: Set<String> = []
        /// Databases tried with opened keyrings that differ.
        var combinations = 0
        var dataKeys = 0
        /// Sealed fields of the person that were found in the copies, and those that were opened.
        var fieldsOfPerson = 0
        var openedOfPerson = 0
        var openedOfOthers = 0
        /// Key links that lead to the person by the copies' indexes.
        var links: Set<KeyLink> = []
    }

    let loot: Loot

    /// Tries everything with everything.
    func attacks(_ person: String, sessions: Set<String>) throws -> Outcome {
        var outcome = Outcome()
        outcome.links = try links(of: person)
        let keyrings = try opensKeyrings(&outcome)
        var keys: [KeyLink: Set<[UInt8]>] = [:]
        for keyring in keyrings {
            // A record of one copy may be newer than that of another, so each is tried; once.
            var tried: Set<[UInt8]> = []
            for copy in loot.copies {
                outcome.combinations += 1
                for (link, record) in copy.content.keys + copy.rewrapped
                where tried.insert(record).inserted {
                    guard let key = Self.unwraps(record, link, keyring) else { continue }
                    keys[link, default: []].insert(key)
                }
            }
        }
        outcome.dataKeys = keys.values.reduce(0) { $0 + $1.count }
        var seen: Set<[UInt8]> = []
        let all = Array(Set(keys.values.joined()))
        for event in loot.copies.flatMap(\.content.events) where seen.insert(event.json).inserted {
            if sessions.contains(event.session) || outcome.links.contains(event.link) {
                outcome.fieldsOfPerson += event.spans.count
                // Not only the key that the event names: every one that was got.
                outcome.openedOfPerson += Self.opens(event, all)
            } else {
                outcome.openedOfOthers += Self.opens(event, Array(keys[event.link] ?? []))
            }
        }
        return outcome
    }

    /// Found as the product finds a person, in every copy's index.
    private func links(of person: String) throws -> Set<KeyLink> {
        let key = try Self.memory(loot.today.masterKey)
        let contents = try KeyringFile.decode(loot.today.keyring, masterKey: key).contents
        guard let root = contents.secrets[.index] else { throw Unexpected("no index key") }
        let hashes = HashPool(root: root.memory)
        let name = Array(person.utf8)
        var links: Set<KeyLink> = []
        for copy in loot.copies {
            let streams = Set(copy.content.keys.compactMap { try? KeyRecord($0.record).stream })
            for stream in streams {
                let hash = name.withUnsafeBytes {
                    hashes.hash($0, stream: stream, purpose: .subject)
                }
                let prefix = IndexEntry.subjectPrefix(stream, hash)
                for key in copy.content.subjects where key.starts(with: prefix) {
                    if let link = KeyLink(bytes: key.dropFirst(prefix.count)) {
                        links.insert(link)
                    }
                }
            }
        }
        return links
    }

    /// Every keyring file with everything that may be a master key.
    private func opensKeyrings(_ outcome: inout Outcome) throws -> [KeyringContents] {
        var contents: [KeyringContents] = []
        for key in loot.masterKeys {
            let memory = try Self.memory(key.bytes)
            var known: Set<[UInt8]> = []
            for keyring in loot.keyrings {
                outcome.tries += 1
                guard let found = try? KeyringFile.decode(keyring.bytes, masterKey: memory) else {
                    continue
                }
                outcome.opened.insert("\(keyring.name) with \(key.name)")
                // Images of the same state have the same file.
                if known.insert(keyring.bytes).inserted { contents.append(found.contents) }
            }
        }
        return contents
    }

    private static func memory(_ bytes: [UInt8]) throws -> LockedMemory {
        let memory = try LockedMemory(byteCount: bytes.count)
        memory.withMutableBytes { $0.copyBytes(from: bytes) }
        return memory
    }

    private static func unwraps(
        _ bytes: [UInt8], _ link: KeyLink, _ keyring: KeyringContents
    ) -> [UInt8]? {
        guard let record = try? KeyRecord(bytes), let keys = keyring.epochs[record.epoch] else {
            return nil
        }
        var key = [UInt8](repeating: 0, count: DataKey.byteCount)
        let isUnwrapped = key.withUnsafeMutableBytes { room in
            room.baseAddress.map {
                (try? record.unwrap(bytes, link: link, with: keys, into: $0)) ?? false
            } ?? false
        }
        return isUnwrapped ? key : nil
    }

    /// How many of the event's fields any of the keys opens.
    private static func opens(_ event: StolenDatabase.Event, _ keys: [[UInt8]]) -> Int {
        let opener = EventOpener()
        return event.spans.filter { span in
            keys.contains { key in
                var output = ByteBuilder()
                let opened: Int? = event.json.withUnsafeBytes { json in
                    key.withUnsafeBytes { key in
                        withUnsafePointer(to: span) { one in
                            try? opener.open(
                                json: json, spans: UnsafeBufferPointer(start: one, count: 1),
                                levels: ConsentLevels(bits: .max), key: key,
                                keyID: DataKey.keyID(of: event.link), into: &output)
                        }
                    }
                }
                return opened == 1
            }
        }.count
    }
}

extension Attacker.Loot {
    /// All that lies in a keyring's directory: the keyring, one that was being written, and one
    /// that was about to be overwritten.
    mutating func takesKeyrings(in directory: String, _ name: String) {
        for file in ["keyring", "keyring.next", "keyring.old"] {
            if let data = FileManager.default.contents(atPath: "\(directory)/\(file)") {
                keyrings.append(("\(name)/\(file)", Array(data)))
            }
        }
    }

    /// All files of a directory that may hold a master key.
    mutating func takesMasterKeys(in directory: String, _ name: String) throws {
        for file in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
            guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)"),
                let key = MasterKey.decode(Array(data))
            else { continue }
            masterKeys.append(("\(name)/\(file)", key))
        }
    }

    /// Everything secret in a keyring that can be opened: perhaps one of them opens another.
    mutating func takesSecrets(of keyring: [UInt8], under masterKey: [UInt8]) throws {
        let memory = try LockedMemory(byteCount: masterKey.count)
        memory.withMutableBytes { $0.copyBytes(from: masterKey) }
        let contents = try KeyringFile.decode(keyring, masterKey: memory).contents
        for (name, secret) in contents.secrets {
            masterKeys.append(("today's \(name)", secret.memory.withBytes { Array($0) }))
        }
    }

    mutating func takesDatabase(_ path: String, rewrappedBeside ledger: String?, _ name: String)
        throws
    {
        var rewrapped: [(link: KeyLink, record: [UInt8])] = []
        if let ledger, RewrappedFiles.exist(beside: ledger) {
            try RewrappedFiles(beside: ledger).visit { rewrapped += $0 }
        }
        copies.append(
            Attacker.Copy(
                name: name, content: try StolenDatabase(path: path), rewrapped: rewrapped))
    }
}
