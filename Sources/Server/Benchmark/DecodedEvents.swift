import Contracts

/// The events as the decoder leaves them, kept for the stages that follow it.
final class DecodedEvents {
    let json: BufferTable
    let keyValues: BufferTable
    let subjects: BufferTable
    /// 64 bytes each, of no vault: the ciphers' stages need bytes, not secrets.
    let keys: BufferTable
    let consent: ConsentLevels
    let contract: UInt32
    private let spanTables: [UnsafeMutableBufferPointer<EventSpan>]

    var count: Int { spanTables.count }

    /// Valid as long as this object.
    func spans(_ index: Int) -> UnsafeBufferPointer<EventSpan> {
        UnsafeBufferPointer(spanTables[index])
    }

    init(_ events: BenchmarkEvents, registry: ContractRegistry) throws {
        let decoder = EventDecoder(registry: registry, limits: EventLimits())
        var (json, keyValues, subjects): ([[UInt8]], [[UInt8]], [[UInt8]]) = ([], [], [])
        var spanTables: [UnsafeMutableBufferPointer<EventSpan>] = []
        for index in 0..<events.count {
            try decoder.decode(events.json[index], format: .json, schemaRef: nil)
            json.append(Array(decoder.json))
            keyValues.append(Array(decoder.keyValue))
            subjects.append(decoder.subjectValue.map { Array($0) } ?? [])
            let spans = UnsafeMutableBufferPointer<EventSpan>.allocate(
                capacity: decoder.spans.count)
            _ = spans.initialize(from: decoder.spans)
            spanTables.append(spans)
        }
        consent = decoder.consentLevels
        contract = decoder.contract.number
        self.json = BufferTable(json)
        self.keyValues = BufferTable(keyValues)
        self.subjects = BufferTable(subjects)
        self.spanTables = spanTables
        var generator = SystemRandomNumberGenerator()
        keys = BufferTable(
            (0..<events.count).map { _ in
                (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
            })
    }

    deinit {
        for spans in spanTables { spans.deallocate() }
    }
}
