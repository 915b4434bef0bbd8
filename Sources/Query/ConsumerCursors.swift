import Store
import Synchronization

/// The committed places of named consumers, kept in the store.
///
/// A consumer belongs to one client and one view: two clients that choose the same name do not
/// meet. Key in family `cursors`, numbers big-endian:
///
///     "c"  stream id (4)  derived stream's id or 0 (4)  n (2)  client, n bytes  consumer's name
///
/// Value: the payload of a `Cursor`, without its tag.
final class ConsumerCursors: Sendable {
    /// Names of one client's consumers of one view: bounds what a client can make the server keep.
    static let namesMax = 1_000
    private static let prefix = UInt8(ascii: "c")

    struct Place: Hashable, Sendable {
        var view: ViewID
        var client: String
        var name: String
    }

    private let store: Store
    /// What is committed, also for the lag that metrics show: all of it fits, because it is
    /// bounded.
    private let offsets = Mutex<[Place: [Offset]]>([:])

    init(store: Store) {
        self.store = store
    }

    static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Reads the disk: call it where blocking is allowed. nil: nothing is committed.
    func read(_ place: Place) throws(StoreError) -> Cursor? {
        guard let payload = try store.readCursor(Self.key(place)) else { return nil }
        do {
            let cursor = try Cursor(payload: payload)
            offsets.withLock { $0[place] = cursor.offsets }
            return cursor
        } catch {
            throw .corrupt("a committed cursor cannot be read")
        }
    }

    /// Durable on return. The last commit wins, also if it goes back.
    func commit(_ cursor: Cursor, at place: Place) async throws(QueryError) {
        let isAllowed = offsets.withLock { offsets in
            offsets[place] != nil
                || offsets.keys.count {
                    $0.view == place.view && $0.client == place.client
                } < Self.namesMax
        }
        guard isAllowed else {
            throw .badRequest("a client may have \(Self.namesMax) consumers of a stream")
        }
        do {
            _ = try await store.commit([.putCursor(key: Self.key(place), value: cursor.payload)])
        } catch {
            throw .store(error)
        }
        offsets.withLock { $0[place] = cursor.offsets }
    }

    /// Takes back what clients committed for a view that is gone.
    func forget(_ view: ViewID) async throws(QueryError) {
        let places = offsets.withLock { $0.keys.filter { $0.view == view } }
        guard !places.isEmpty else { return }
        do {
            _ = try await store.commit(places.map { .deleteCursor(key: Self.key($0)) })
        } catch {
            throw .store(error)
        }
        offsets.withLock { offsets in
            for place in places { offsets[place] = nil }
        }
    }

    /// Reads all committed places, so that their lag is known after a restart too. Blocks.
    func load() throws(StoreError) {
        var found: [Place: [Offset]] = [:]
        do {
            try store.scanCursors(prefix: [Self.prefix]) { key, value in
                if let place = Self.place(Array(key)) {
                    found[place] = try Cursor(payload: Array(value)).offsets
                }
                return true
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw .corrupt("a committed cursor cannot be read")
        }
        offsets.withLock { $0.merge(found) { known, _ in known } }
    }

    /// The committed places.
    var committed: [Place: [Offset]] { offsets.withLock { $0 } }

    private static func key(_ place: Place) -> [UInt8] {
        var key: [UInt8] = [prefix]
        key.append(bigEndian: place.view.stream.rawValue)
        key.append(bigEndian: place.view.derived?.rawValue ?? 0)
        key.append(bigEndian: UInt16(clamping: place.client.utf8.count))
        key.append(contentsOf: place.client.utf8)
        key.append(contentsOf: place.name.utf8)
        return key
    }

    private static func place(_ key: [UInt8]) -> Place? {
        guard key.count >= 11 else { return nil }
        let derived: UInt32 = key.bigEndian(at: 5)
        let count: UInt16 = key.bigEndian(at: 9)
        guard key.count > 11 + Int(count) else { return nil }
        return Place(
            view: ViewID(
                stream: StreamID(rawValue: key.bigEndian(at: 1)),
                derived: derived == 0 ? nil : StreamID(rawValue: derived)),
            client: String(decoding: key[11..<11 + Int(count)], as: UTF8.self),
            name: String(decoding: key[(11 + Int(count))...], as: UTF8.self))
    }
}
