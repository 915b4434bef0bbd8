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
    func perform(
        _ ref: String, reason: String? = nil, _ client: ServerClient
    ) async throws -> JSONValue {
        let path = try Entity.contract.path(ref) + "/\(rawValue)"
        let reply =
            if let reason {
                try await client.request(
                    "POST", path, json: .object(["reason": .string(reason)]))
            } else {
                try await client.request("POST", path)
            }
        try reply.check("\(rawValue) the contract")
        return try reply.json()
    }

    /// Does it as the stored client that may.
    func perform(
        _ ref: String, reason: String? = nil, _ connection: ConnectionOptions
    ) async throws -> JSONValue {
        _ = try Entity.contract.path(ref)
        return try await ServerClient.with(connection, errand) { client in
            try await perform(ref, reason: reason, client)
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
                "next: strm approve contract \(ref) (by a dpo), or strm reject contract \(ref) "
                    + "--reason TEXT")
        case "approved": Terminal.note("next: strm activate contract \(ref)")
        default: break
        }
    }
}
