/// What people do with a contract that is written. The raw value is the last part of its route.
enum ContractAct: String {
    case review, approve, reject, activate, archive, reactivate

    private var errand: Purpose {
        switch self {
        case .review: .write
        case .approve, .reject: .approve
        case .activate, .archive, .reactivate: .control
        }
    }

    /// Does it as `client`, and gives the contract as it is then.
    /// - Parameter number: of the text that is approved; nil: of the one that is there now.
    func perform(
        _ ref: String, reason: String? = nil, number: Int64? = nil, _ client: ServerClient
    ) async throws -> JSONValue {
        let path = try Entity.contract.path(ref)
        var body: [String: JSONValue] = [:]
        if let reason { body["reason"] = .string(reason) }
        if self == .approve {
            var seen = number
            if seen == nil {
                let current = try await client.request("GET", path)
                try current.check("read the contract")
                seen = try current.json()["number"]?.integer
            }
            body["number"] = .integer(seen ?? 0)
        }
        let reply =
            body.isEmpty
            ? try await client.request("POST", "\(path)/\(rawValue)")
            : try await client.request("POST", "\(path)/\(rawValue)", json: .object(body))
        try reply.check("\(rawValue) the contract")
        return try reply.json()
    }

    /// Does it as the stored client that may.
    func perform(
        _ ref: String, reason: String? = nil, number: Int64? = nil,
        _ connection: ConnectionOptions
    ) async throws -> JSONValue {
        _ = try Entity.contract.path(ref)
        return try await ServerClient.with(connection, errand) { client in
            try await perform(ref, reason: reason, number: number, client)
        }
    }

    /// What leads on from the state that the contract is in.
    static func noteNext(_ contract: JSONValue) {
        guard let ref = contract["ref"]?.string, let state = contract["state"]?.string else {
            return
        }
        switch state {
        case "draft": Terminal.note("next: strm review contract \(ref)")
        case "inReview":
            Terminal.note(
                "next: strm approve contract \(ref) --number \(contract["number"]?.cell ?? "N") (by "
                    + "a dpo), or strm reject contract \(ref) --reason TEXT")
        case "approved": Terminal.note("next: strm activate contract \(ref)")
        default: break
        }
    }
}
