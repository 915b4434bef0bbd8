import Contracts
import Privacy
import Store
import Vault

/// From a checked event to a record in a chunk.
final class SealingStages {
    private let events: DecodedEvents
    private let site: BenchmarkSite
    private let meter: StageMeter
    private let passes: Int
    private let recorder: BenchmarkRecorder
    private var cipher = FieldCipher()
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 16)

    init(
        _ events: DecodedEvents, _ site: BenchmarkSite, _ meter: StageMeter,
        _ scale: StageBenchmark.Scale
    ) {
        self.events = events
        self.site = site
        self.meter = meter
        passes = scale.passes
        recorder = BenchmarkRecorder(events, now: site.now, sink: site.sink, target: site.target)
    }

    deinit { output.deallocate() }

    var all: [Stage] {
        [
            Stage("key: hash of the sequence, cache look-up, copy [cpu]") {
                try self.lookUp(withSubject: false)
            },
            Stage("key with data subject: two hashes, cache look-up, copy [cpu]") {
                try self.lookUp(withSubject: true)
            },
            Stage("cipher: set key, encrypt and base64 2 fields [cpu]") {
                self.each { self.encrypt($0) }
            },
            Stage("seal into a buffer: cipher, copy of the JSON, strmMeta [cpu]") {
                self.each { self.seal($0) }
            },
            Stage("record: header, copy of sealed JSON, spans into a chunk [cpu]") {
                self.recorded { self.recorder.copy($0) }
            },
            Stage("seal into a chunk: key link, capacity, header, seal, spans [cpu]") {
                self.recorded { self.recorder.seal($0) }
            },
        ]
    }

    private func each(_ body: (Int) -> Void) -> StageSample {
        meter.processorTime(events: passes * events.count) {
            for _ in 0..<passes {
                for index in 0..<events.count { body(index) }
            }
        }
    }

    /// The same, with an empty chunk for each pass.
    private func recorded(_ body: (Int) -> Void) -> StageSample {
        meter.processorTime(events: passes * events.count) {
            for _ in 0..<passes {
                recorder.chunk.reset()
                for index in 0..<events.count { body(index) }
            }
        }
    }

    private func lookUp(withSubject: Bool) throws -> StageSample {
        var found = 0
        let sample = each { index in
            let isFound = site.vault.withCachedKey(
                stream: site.stream.id, retention: site.stream.retention,
                keyValue: events.keyValues[index],
                subject: withSubject ? events.subjects[index] : nil, now: site.now
            ) { _ -> Bool in true }
            if isFound == true { found += 1 }
        }
        guard found == passes * events.count else {
            throw StageBenchmarkError.unexpected("a data key was not in memory")
        }
        return sample
    }

    private func encrypt(_ index: Int) {
        cipher.setKey(events.keys[index], keyID: UInt32(index) + 1)
        let json = events.json[index]
        for span in events.spans(index) where span.kind == .pii {
            let start = Int(span.start)
            let value = UnsafeRawBufferPointer(rebasing: json[start..<start + Int(span.length)])
            _ = cipher.seal(value, into: output)
        }
    }

    private func seal(_ index: Int) {
        _ = recorder.seal(index, into: output)
    }
}
