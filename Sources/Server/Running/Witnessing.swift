import Audit
import ServiceLifecycle
import Store
import Witness

/// Brings checkpoints outside while the server runs.
struct Witnessing: Service {
    let witnesses: Witnesses

    func run() async {
        await cancelWhenGracefulShutdown {
            await witnesses.run()
            // Without places `run` is over at once, which must not end the other services.
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        }
    }
}

extension Engine {
    /// `GET /v1/audit/witnesses`, with the notes that prove it.
    func witnessReport(now: Milliseconds) -> WireValue {
        let items = witnesses.statuses.map { status -> WireValue in
            guard case .object(let members) = Self.wire(status, now: now) else { return .null }
            return .object(
                members + [
                    (name: "checkpoint", value: .optional(status.confirmation?.note))
                ])
        }
        return ["size": .integer(Int64(clamping: audit.size)), "items": .array(items)]
    }

    /// The same without the notes, for the status.
    func witnessStatus(now: Milliseconds) -> WireValue {
        .array(witnesses.statuses.map { Self.wire($0, now: now) })
    }

    private static func wire(_ status: WitnessStatus, now: Milliseconds) -> WireValue {
        let confirmation = status.confirmation
        let age = status.ageSeconds(now: now)
        return [
            "name": .string(status.kind.rawValue), "place": .string(status.place),
            "confirmedSize": confirmation.map { .integer(Int64(clamping: $0.size)) } ?? .null,
            "confirmedAt": confirmation.map { .string(WireTime.format($0.at)) } ?? .null,
            "ageSeconds": age.isFinite ? .integer(Int64(age)) : .null,
            "isVerified": .bool(status.isVerified),
            "failures": .integer(Int64(status.failures)),
            "failure": .optional(status.failure?.description),
            "isOtherHistory": .bool(status.isOtherHistory),
        ]
    }
}
