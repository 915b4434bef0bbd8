import Audit
import AuditProof
import Contracts
import Foundation
import Ingest
import Store
import Synchronization
import Vault

/// A whole ingest on a directory of its own: store, vault, audit, one contract, one lane.
///
/// Confined to its test. The clock stands still until it is told to advance.
final class Machine {
    static let start: Milliseconds = 1_790_000_000_000
    static let hour: Milliseconds = 3_600_000

    let directory: String
    let clock: TestClock
    let faults = Faults()
    let keys = GatedKeys()
    let sink = Outcomes()
    let store: Store
    let vault: Vault
    let ingest: Ingest
    let lane: IngestLane
    let target: StreamTarget
    private var tokens: UInt64 = 0

    init(
        cachedKeysMax: Int = 1_024, queueEventsMax: Int = 65_536,
        contract: ContractDocument? = nil,
        limits change: (inout IngestLimits) -> Void = { _ in }
    ) throws {
        directory = NSTemporaryDirectory() + "ingest-\(UUID().uuidString)"
        let clock = TestClock(Self.start)
        self.clock = clock
        var configuration = StoreConfiguration(
            directory: directory, watermarkPath: directory + "/keys/watermark")
        configuration.observer = faults
        configuration.queueEventsMax = queueEventsMax
        configuration.freeBytesMin = 0
        store = try Store.open(configuration) { clock.now }
        vault = try Self.makeVault(directory, clock, cachedKeysMax)
        let signer = try CheckpointSigner(
            name: "test/audit", privateKey: vault.secret(.auditSigning))
        store.setCommitStage(try AuditLog(store: store, signer: signer))
        try store.start()
        keys.store = store
        vault.attach(store: keys)
        let partition = PartitionID(stream: StreamID(rawValue: 7), partition: 0)
        try store.openPartition(partition, retention: .standard)
        target = StreamTarget(name: "demo", partition: partition, retention: .standard)
        let registry = ContractRegistry()
        let document = try contract ?? TestContract.document()
        registry.replaceAll([(try Contract(document: document, number: 1), .active)])
        var limits = IngestLimits(event: EventLimits())
        change(&limits)
        ingest = Ingest(
            store: store, vault: vault, registry: registry, limits: limits,
            billingId: "billing \"7\"")
        ingest.start()
        lane = IngestLane(ingest, sink: sink)
    }

    deinit {
        faults.holdsCommits = false
        keys.open()
        ingest.stop()
        store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func makeVault(
        _ directory: String, _ clock: TestClock, _ cachedKeysMax: Int
    ) throws -> Vault {
        let configuration = VaultConfiguration(cachedKeysMax: cachedKeysMax)
        let master = MasterKeySource.file(directory + "/keys/master.key")
        try Vault.initialise(
            keyringDirectory: directory + "/keys", masterKey: master, now: clock.now,
            configuration: configuration)
        return try Vault.unlock(
            keyringDirectory: directory + "/keys", masterKey: master,
            clock: VaultClock(wall: { clock.now }, monotonic: { clock.now }),
            configuration: configuration)
    }

    /// The lane gets this body; the token is the number of the call.
    @discardableResult
    func receives(
        _ body: String, on lane: IngestLane? = nil, format: EventDecoder.Format = .json
    ) -> IngestLane.Outcome {
        tokens += 1
        let token = CommitToken(first: tokens, second: 0)
        return Array(body.utf8).withUnsafeBytes {
            (lane ?? self.lane).receive(
                $0, format: format, schemaRef: nil, stream: target, token: token, now: clock.now)
        }
    }

    /// Sends one event of a session by itself and waits for its end, so that its key is in memory.
    func warms(_ session: String) async {
        let before = await sink.count
        receives(event(session))
        _ = lane.flush()
        await sink.waits(for: before + 1)
    }

    /// What is stored, oldest first.
    func storedEvents() throws -> [String] {
        var events: [String] = []
        _ = try store.read(target.partition, from: Offset(rawValue: 0), limit: 1_000, notBefore: 0)
        { view in
            events.append(String(decoding: view.json, as: UTF8.self))
            return true
        }
        return events
    }

    /// The `mark` fields of the stored events, oldest first: not personal, so readable.
    func storedMarks() throws -> [String] {
        try storedEvents().map { try member("mark", of: $0) }
    }
}

/// The text of a member at the top of an event.
func member(_ name: String, of event: String) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any]
    return (object?[name] as? String) ?? ""
}

/// An event of a session, with a mark to know it by.
func event(_ session: String, mark: String = "", name: String = "Ada", tags: [String] = [])
    -> String
{
    let tagList = tags.map { "\"\($0)\"" }.joined(separator: ",")
    return """
        {"strmMeta":{"eventContractRef":"test/event/1.0.0","consentLevels":[1]},\
        "session":"\(session)","mark":"\(mark)","name":"\(name)","tags":[\(tagList)]}
        """
}

enum TestContract {
    static func document(subject: String? = nil) throws -> ContractDocument {
        let subjectField = subject.map { "\"dataSubjectField\":\"\($0)\"," } ?? ""
        let text = """
            {\(subjectField)"ref":{"handle":"test","name":"event","version":"1.0.0"},
             "schema":{"ref":{"handle":"test","name":"event","version":"1.0.0","schemaType":"avro"},
              "definition":{"type":"record","name":"Event","fields":[
               {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
                {"name":"eventContractRef","type":"string"},
                {"name":"nonce","type":["null","int"],"default":null},
                {"name":"timestamp","type":["null","long"],"default":null},
                {"name":"keyLink","type":["null","string"],"default":null},
                {"name":"billingId","type":["null","string"],"default":null},
                {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
               {"name":"session","type":"string"},
               {"name":"mark","type":"string"},
               {"name":"name","type":"string"},
               {"name":"tags","type":{"type":"array","items":"string"}}]}},
             "keyField":"session",
             "fieldMetadata":[
              {"fieldName":"name","personalDataConfig":
               {"isPii":true,"isQuasiId":false,"purposeLevel":1}},
              {"fieldName":"tags","personalDataConfig":
               {"isPii":true,"isQuasiId":false,"purposeLevel":1}}],
             "validations":[{"field":"mark","type":"regex","value":"^[a-z0-9-]*$"}]}
            """
        return try ContractDocument(json: Array(text.utf8))
    }
}

final class TestClock: Sendable {
    private let time: Mutex<Milliseconds>
    init(_ start: Milliseconds) { time = Mutex(start) }
    var now: Milliseconds { time.withLock { $0 } }
    func advances(by milliseconds: Milliseconds) { time.withLock { $0 += milliseconds } }
}
