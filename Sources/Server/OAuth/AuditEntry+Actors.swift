import Audit
import Store

extension AuditEntry {
    /// What a client did.
    static func by(
        _ client: String, _ role: Role, _ act: Act, stream: String? = nil,
        derivedStream: String? = nil, contracts: [String] = [], purposes: [Int] = [],
        detail: [String: String] = [:]
    ) -> AuditEntry {
        AuditEntry(
            act: act, client: client, role: role.rawValue, stream: stream,
            derivedStream: derivedStream, contracts: contracts, purposes: purposes, detail: detail)
    }

    static func by(
        _ caller: Principal, _ act: Act, stream: String? = nil, derivedStream: String? = nil,
        contracts: [String] = [], purposes: [Int] = [], detail: [String: String] = [:]
    ) -> AuditEntry {
        by(
            caller.clientID, caller.role, act, stream: stream, derivedStream: derivedStream,
            contracts: contracts, purposes: purposes, detail: detail)
    }

    /// What the server did by itself.
    static func server(_ act: Act, detail: [String: String] = [:]) -> AuditEntry {
        AuditEntry(act: act, detail: detail)
    }
}
