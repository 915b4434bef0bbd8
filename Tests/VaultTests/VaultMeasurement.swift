import Foundation
import Store
import Testing

@testable import Vault

/// Figures, not a test: `STRM_MEASURE=1 swift test -c release --filter VaultMeasurement`.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["STRM_MEASURE"] != nil))
struct VaultMeasurement {
    private func report(_ name: String, _ rounds: Int, _ body: () throws -> Void) rethrows {
        let clock = ContinuousClock()
        let start = clock.now
        try body()
        let time = clock.now - start
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("\(name): \((seconds * 1e10 / Double(rounds)).rounded() / 10) ns")
    }

    @Test("ns per key")
    func keys() throws {
        let fixture = try VaultFixture(cachedKeysMax: 262_144)
        let now = fixture.clock.now
        let values = (0..<10_000).map { Bytes("session-\($0)-0123456789abcdef") }
        try report("make a key", 10_000) {
            for value in values {
                try fixture.vault.withKey(
                    stream: clicks, retention: .standard, keyValue: value.buffer, subject: nil,
                    now: now
                ) { _ in }
            }
        }
        var found = 0
        report("lend one of 100 cached keys", 1_000_000) {
            for _ in 0..<10_000 {
                for value in values[..<100] {
                    _ = fixture.vault.withCachedKey(
                        stream: clicks, retention: .standard, keyValue: value.buffer, now: now
                    ) { _ -> Bool in
                        found += 1
                        return true
                    }
                }
            }
        }
        report("lend one of 10,000 cached keys", 1_000_000) {
            for _ in 0..<100 {
                for value in values {
                    _ = fixture.vault.withCachedKey(
                        stream: clicks, retention: .standard, keyValue: value.buffer, now: now
                    ) { _ -> Bool in
                        found += 1
                        return true
                    }
                }
            }
        }
        #expect(found == 2_000_000)
        try fixture.opens()
        try report("find a stored key (store in memory)", 10_000) {
            for value in values {
                try fixture.vault.withKey(
                    stream: clicks, retention: .standard, keyValue: value.buffer, subject: nil,
                    now: now
                ) { _ in }
            }
        }
        print("\(fixture.vault.statistics)")
    }

    @Test("a million live sequences in a cache of 262,144")
    func million() throws {
        let fixture = try VaultFixture(cachedKeysMax: 262_144)
        let now = fixture.clock.now
        try report("make one of a million keys", 1_000_000) {
            for number in 0..<1_000_000 { _ = try fixture.vault.key(of: "s\(number)", at: now) }
        }
        try report("use one of a million keys", 100_000) {
            for number in stride(from: 0, to: 1_000_000, by: 10) {
                _ = try fixture.vault.key(of: "s\(number)", at: now)
            }
        }
        #expect(fixture.vault.statistics.keysMade == 1_000_000)
        #expect(fixture.vault.statistics.cachedKeys <= 262_144)
    }
}
