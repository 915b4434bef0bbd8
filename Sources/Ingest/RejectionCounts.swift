package import Contracts
package import Store
import Synchronization

/// How many events were refused, by stream, client, contract, rule and place, since the process
/// started: counts do not outlive it.
///
/// Nothing in it is a sender's text: clients and streams are of the catalog, contracts are
/// registered, places are in the schema's words. Bounded: what finds no row of its own is counted
/// in a row of its stream whose rule is `other`. An accepted event never comes here; a refused one
/// takes a lock for a look-up.
package final class RejectionCounts: Sendable {
    /// What is told apart.
    package struct Key: Hashable, Sendable {
        package var stream: String
        /// The client's id; "": several, in the row `other`.
        package var client: String
        /// `handle/name/version`; "": the event named no registered contract.
        package var contract: String
        /// Slug of `Refusal.Kind`.
        package var kind: String
        /// Slug of `Refusal.Rule`.
        package var rule: String
        /// The id of the contract's own rule; "": it was none of those.
        package var ruleId: String
        /// As in `Refusal.place`.
        package var place: String
    }

    package struct Row: Sendable, Equatable {
        package var count: UInt64
        package var firstAt: Milliseconds
        package var lastAt: Milliseconds
    }

    /// Rows of all streams together; each stream may have one more, `other`.
    package static let rowsMax = 10_000
    package static let rowsPerStreamMax = 1_000
    private static let other = "other"

    private struct State {
        var rows: [Key: Row] = [:]
        /// Rows of each stream, without `other`.
        var counts: [String: Int] = [:]
        var total = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func count(
        _ refusal: Refusal, contract: ContractRef?, stream: String, client: String,
        now: Milliseconds
    ) {
        let key = Key(
            stream: stream, client: client, contract: contract?.description ?? "",
            kind: refusal.kind.rawValue, rule: refusal.rule, ruleId: refusal.ruleID ?? "",
            place: refusal.place)
        state.withLock { state in
            if state.rows[key] != nil { return Self.add(key, now, &state) }
            let rows = state.counts[stream, default: 0]
            guard state.total < Self.rowsMax, rows < Self.rowsPerStreamMax else {
                return Self.add(
                    Key(
                        stream: stream, client: "", contract: "", kind: Self.other,
                        rule: Self.other, ruleId: "", place: "*"), now, &state)
            }
            state.counts[stream] = rows + 1
            state.total += 1
            Self.add(key, now, &state)
        }
    }

    private static func add(_ key: Key, _ now: Milliseconds, _ state: inout State) {
        state.rows[key, default: Row(count: 0, firstAt: now, lastAt: now)].count += 1
        state.rows[key]?.lastAt = now
    }

    /// All rows, in no order.
    package var all: [Key: Row] { state.withLock { $0.rows } }

    /// All rows, the most frequent first; ties in the order of their keys.
    package var rows: [(key: Key, row: Row)] {
        all.map { (key: $0.key, row: $0.value, order: $0.key.order) }
            .sorted { ($1.row.count, $0.order) < ($0.row.count, $1.order) }
            .map { (key: $0.key, row: $0.row) }
    }

    /// Forgets a stream that was deleted.
    package func forget(stream: String) {
        state.withLock { state in
            state.total -= state.counts.removeValue(forKey: stream) ?? 0
            state.rows = state.rows.filter { $0.key.stream != stream }
        }
    }
}

extension RejectionCounts.Key {
    fileprivate var order: String {
        [stream, client, contract, kind, rule, ruleId, place].joined(separator: "\u{0}")
    }
}
