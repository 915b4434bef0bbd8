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
        // Two contracts are compiled: not on the pool of tasks.
        let answer = try await store.readers.run { [catalog] () throws -> WireValue in
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
        guard !answer.isNull else {
            throw Problem.notFound("There is no contract of this handle, name and version.")
        }
        return Answer.json(answer)
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
