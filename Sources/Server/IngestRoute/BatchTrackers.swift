import Contracts
import HTTP
import Ingest
import Store

/// The `POST /events` requests of one event loop that wait for their events to become durable.
/// Confined to that loop; bounded by the requests that the HTTP limits let be in flight.
///
/// A batch's commit token (the HTTP module leaves the upper 16 bits of `first` zero, so that the
/// two never meet):
///
///     first   16 bits one | 48 bits slot
///     second  64 bits generation of the slot
struct BatchTrackers {
    private static let mark: UInt64 = 0xFFFF << 48

    private struct Slot {
        var generation: UInt64 = 0
        var batch: Batch?
    }

    /// One request.
    struct Batch {
        var response: ResponseToken
        /// Queued events that the sink has not yet answered for.
        var pending = 0
        var durable = 0
        /// Events of people who were erased with a fence: refused for good, others are not.
        var fenced = 0
        /// The first failure; then the whole answer is 503, and the sender repeats the batch.
        var failure: StoreError?
        /// Set when all lines have been looked at: from then on `pending == 0` means done.
        var receipt: BatchReceipt?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    static func isBatch(_ token: CommitToken) -> Bool { token.first & mark == mark }

    mutating func open(for response: ResponseToken) -> CommitToken {
        let index: Int
        if let spare = free.popLast() {
            index = spare
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].generation += 1
        slots[index].batch = Batch(response: response)
        return CommitToken(first: Self.mark | UInt64(index), second: slots[index].generation)
    }

    /// The lines have been looked at: `receipt.queued` of them will be settled, some may have been
    /// already.
    /// - Returns: the batch if nothing is left to wait for.
    mutating func received(_ token: CommitToken, _ receipt: BatchReceipt) -> Batch? {
        guard let index = index(of: token) else { return nil }
        slots[index].batch?.receipt = receipt
        slots[index].batch?.pending += receipt.queued
        return closeIfDone(index)
    }

    /// One queued event of the batch is durable or has failed.
    mutating func settle(_ token: CommitToken, failure: StoreError?) -> Batch? {
        guard let index = index(of: token) else { return nil }
        slots[index].batch?.pending -= 1
        if failure == .subjectFenced {
            slots[index].batch?.fenced += 1
        } else if let failure {
            slots[index].batch?.failure = failure
        } else {
            slots[index].batch?.durable += 1
        }
        return closeIfDone(index)
    }

    private mutating func closeIfDone(_ index: Int) -> Batch? {
        guard let batch = slots[index].batch, batch.receipt != nil, batch.pending == 0 else {
            return nil
        }
        slots[index].batch = nil
        free.append(index)
        return batch
    }

    private func index(of token: CommitToken) -> Int? {
        let index = Int(token.first & ~Self.mark)
        guard index < slots.count, slots[index].generation == token.second,
            slots[index].batch != nil
        else { return nil }
        return index
    }
}

extension BatchTrackers.Batch {
    /// What the sender of the batch gets, once everything that was queued is durable or has failed.
    var answer: HTTPResponse {
        let refused = (receipt?.refused ?? []).map { line, refusal -> WireValue in
            .object(
                [
                    (name: "line", value: .integer(Int64(line))),
                    (name: "type", value: .string(Problem.typeBase + refusal.kind.rawValue)),
                ] + Problem.members(of: refusal))
        }
        var members: [(name: String, value: WireValue)] = [
            ("accepted", .integer(Int64(durable))), ("refused", .array(refused)),
        ]
        if fenced > 0 { members.append(("fenced", .integer(Int64(fenced)))) }
        if let line = receipt?.stopped?.line {
            members.append(("stoppedAtLine", .integer(Int64(line))))
        }
        if var problem = failureProblem {
            problem.members += members
            return problem.response
        }
        if durable == 0, refused.isEmpty, fenced > 0 {
            var problem = Problem.subjectFenced
            problem.members += members
            return problem.response
        }
        if durable == 0, !refused.isEmpty {
            let problem = Problem(
                slug: "batch-refused", status: 400, title: "No event of the batch was accepted",
                members: members)
            return problem.response
        }
        return Answer.json(.object(members))
    }

    private var failureProblem: Problem? {
        if let failure { return Problem(failure) }
        guard let outcome = receipt?.stopped?.outcome else { return nil }
        switch outcome {
        case .overloaded(let seconds): return .overloaded(retryAfterSeconds: seconds)
        case .unavailable: return .unavailable("The server takes no events now.")
        case .refused(let refusal) where durable == 0: return Problem(refusal)
        case .refused, .queued: return nil
        }
    }
}
