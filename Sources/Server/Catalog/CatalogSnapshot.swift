import Export
import FoundationEssentials
import Query
import Store

/// The management data, decoded, as of one commit: immutable, shared by everyone who asks.
struct CatalogSnapshot: Sendable {
    /// An entity with the revision that a change must name.
    struct Entry<Value: Sendable>: Sendable {
        var value: Value
        var revision: UInt64
    }

    var streams: [String: Entry<StreamDefinition>] = [:]
    var derivedStreams: [String: Entry<DerivedStreamDefinition>] = [:]
    var clients: [String: Entry<ClientRecord>] = [:]
    var contracts: [String: Entry<ContractRecord>] = [:]
    /// By level.
    var purposes: [Int: Entry<PurposeRecord>] = [:]
    var connectors: [String: Entry<ConnectorRecord>] = [:]
    var exporters: [String: Entry<ExporterDefinition>] = [:]

    /// - Throws: `StoreError.corrupt` if a document is not what this program writes.
    init(store: Store) throws(StoreError) {
        streams = try Self.decode(store, StreamDefinition.kind)
        derivedStreams = try Self.decode(store, DerivedStreamDefinition.kind)
        clients = try Self.decode(store, ClientRecord.kind)
        contracts = try Self.decode(store, ContractRecord.kind)
        let named: [String: Entry<PurposeRecord>] = try Self.decode(store, PurposeRecord.kind)
        purposes = Dictionary(uniqueKeysWithValues: named.values.map { ($0.value.level, $0) })
        connectors = try Self.decode(store, ConnectorRecord.kind)
        exporters = try Self.decode(store, ExporterDefinition.kind)
    }

    init() {}

    /// A stream's or derived stream's name: both live in one space of names.
    func isTaken(_ name: String) -> Bool { streams[name] != nil || derivedStreams[name] != nil }

    func derivedStreams(of source: String) -> [DerivedStreamDefinition] {
        derivedStreams.values.map(\.value).filter { $0.source == source }
            .sorted { $0.name < $1.name }
    }

    /// What is read when the stream or derived stream of this name is; nil: there is none.
    func target(_ name: String) -> ReadTarget? {
        if let stream = streams[name]?.value { return .stream(stream) }
        guard let derived = derivedStreams[name]?.value,
            let source = streams[derived.source]?.value
        else { return nil }
        return .derived(derived, source: source)
    }

    /// The exporters of a stream or derived stream, by name.
    func exporters(of stream: String) -> [ExporterDefinition] {
        exporters.values.map(\.value).filter { $0.stream == stream }.sorted { $0.name < $1.name }
    }

    /// The clients that may use the stream or derived stream.
    func clients(of scope: String) -> [Entry<ClientRecord>] {
        clients.values.filter { $0.value.scope == scope }
    }

    /// Whether the client still has the rights with which it came: it may have been deleted while
    /// it waited.
    func allows(_ caller: Principal) -> Bool {
        guard let client = clients[caller.clientID]?.value else { return false }
        // An approval may have been taken back.
        if let scope = client.scope, derivedStreams[scope]?.value.isApproved == false {
            return false
        }
        return !client.isDisabled && client.role == caller.role && client.scope == caller.scope
    }

    private static func decode<Value: Decodable & Sendable>(
        _ store: Store, _ kind: String
    ) throws(StoreError) -> [String: Entry<Value>] {
        var entries: [String: Entry<Value>] = [:]
        let decoder = JSONDecoder()
        for document in store.documents(kind: kind) {
            do {
                entries[document.key.name] = Entry(
                    value: try decoder.decode(Value.self, from: Data(document.body)),
                    revision: document.revision)
            } catch {
                throw .corrupt("the \(kind) \(document.key.name) in the catalog cannot be read")
            }
        }
        return entries
    }
}
