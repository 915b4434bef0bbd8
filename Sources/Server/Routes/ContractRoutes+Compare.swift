import Contracts
import HTTP
import Store

// `POST /v1/contracts/compare`: what differs between two contracts and what that breaks.

extension ContractRoutes {
    func compare(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        guard request.mediaType == nil || request.mediaType == "application/json" else {
            throw Problem.unsupportedMediaType(["application/json"])
        }
        let bytes = request.http.body
        let answer = try await comparisons.alone(store) { [catalog] () throws -> WireValue in
            do throws(ContractError) {
                let pair = try ContractPair(json: bytes)
                let snapshot = catalog.snapshot
                guard let old = try Self.document(pair.old, snapshot),
                    let new = try Self.document(pair.new, snapshot)
                else { return .null }
                return ContractDifference.answer(try ContractComparison.compare(old, new))
            } catch {
                throw Problem(error)
            }
        }
        guard let answer else { throw Problem.overloaded(retryAfterSeconds: 1) }
        guard !answer.isNull else {
            throw Problem.notFound("There is no contract of this handle, name and version.")
        }
        return Answer.json(answer)
    }

    /// What a reviewer should know of a contract that is not active yet: its warnings, and what
    /// changes against the newest version of the same name that is or was active.
    func review(
        _ record: ContractRecord
    ) async throws -> [(name: String, value: WireValue)] {
        let known = warnings(record)
        guard record.state != .active, record.state != .archived,
            let previous = catalog.snapshot.predecessor(of: record)
        else { return known }
        let difference: WireValue?
        do {
            difference = try await comparisons.difference(previous, record, store)
        } catch StoreError.overloaded {
            // What was asked for is done; only this is missing, and can be asked for again.
            return known
        }
        guard case .object(let members) = difference else { return known }
        return known + [
            ("comparison", .object([("with", .string(previous.ref))] + members))
        ]
    }

    /// Nil: the catalog has no contract of the reference.
    private static func document(
        _ side: ContractPair.Side, _ snapshot: CatalogSnapshot
    ) throws(ContractError) -> ContractDocument? {
        switch side {
        case .document(let document): return document
        case .ref(let ref):
            guard let entry = snapshot.contracts[ref.description] else { return nil }
            return try ContractDocument(json: Array(entry.value.document.utf8))
        }
    }
}

extension CatalogSnapshot {
    /// The newest version of the same contract that is active, else one that is archived.
    fileprivate func predecessor(of record: ContractRecord) -> ContractRecord? {
        guard let ref = ContractRef(record.ref) else { return nil }
        let others = contracts.values.map(\.value).filter { other in
            guard other.ref != record.ref, let otherRef = ContractRef(other.ref) else {
                return false
            }
            return otherRef.handle == ref.handle && otherRef.name == ref.name
        }
        for state in [ContractRecord.State.active, .archived] {
            let known = others.filter { $0.state == state }
            if let newest = known.max(by: { $0.number < $1.number }) { return newest }
        }
        return nil
    }
}
