import Contracts

/// From bytes to a checked event.
final class DecodingStages {
    private let events: BenchmarkEvents
    private let meter: StageMeter
    private let passes: Int
    private let decoder: EventDecoder
    private let schemaRef: BufferTable

    init(
        _ events: BenchmarkEvents, _ site: BenchmarkSite, _ meter: StageMeter,
        _ scale: StageBenchmark.Scale
    ) {
        self.events = events
        self.meter = meter
        passes = scale.passes
        decoder = EventDecoder(registry: site.registry, limits: EventLimits())
        schemaRef = BufferTable([Array(BenchmarkEvents.contractRef.utf8)])
    }

    var all: [Stage] {
        [
            Stage("parse: simdjson's tape and a contract look-up that finds none [cpu]") {
                try self.refuse()
            },
            Stage("decode JSON: parse, validate, canonical JSON, spans [cpu]") {
                try self.decode(self.events.json, .json, nil)
            },
            Stage("decode Avro binary: walk, validate, canonical JSON, spans [cpu]") {
                try self.decode(self.events.avro, .avroBinary, self.schemaRef[0])
            },
        ]
    }

    /// The parser alone is not open to this module. An event that names no known contract is the
    /// nearest: it is parsed, its reference is looked up, and then it is refused.
    private func refuse() throws -> StageSample {
        var refusals = 0
        let sample = meter.processorTime(events: passes * events.count) {
            for _ in 0..<passes {
                for index in 0..<events.count {
                    do throws(Refusal) {
                        try decoder.decode(events.unknown[index], format: .json, schemaRef: nil)
                    } catch {
                        if error.kind == .unknownContract { refusals += 1 }
                    }
                }
            }
        }
        guard refusals == passes * events.count else {
            throw StageBenchmarkError.unexpected("an event without a contract was not refused")
        }
        return sample
    }

    private func decode(
        _ bodies: BufferTable, _ format: EventDecoder.Format, _ schemaRef: UnsafeRawBufferPointer?
    ) throws -> StageSample {
        try meter.processorTime(events: passes * events.count) {
            for _ in 0..<passes {
                for index in 0..<events.count {
                    try decoder.decode(bodies[index], format: format, schemaRef: schemaRef)
                }
            }
        }
    }
}
