import Foundation

/// What the run needs for itself: a contract, a stream, derived streams and clients, made by the way
/// that people make theirs, and removed at the end.
extension ProofRun {
    /// - Throws: what keeps everything else from being driven.
    func makeAll() async throws {
        for contract in [contract, schemaContract] { try await make(contract) }
        try await makeStream()
        await makeDerived(opened, masks: [])
        let mask = { (contract: ProofContract, field: String, seed: Int64?) -> JSONValue in
            var members: [String: JSONValue] = [
                "contract": .string(contract.ref), "field": .string(field),
                "type": .string(seed == nil ? "hmac-sha256" : "murmur3"),
            ]
            if let seed { members["seed"] = .integer(seed) }
            return .object(members)
        }
        await makeDerived(
            masked,
            masks: [
                mask(contract, "email", nil), mask(contract, "note", 7),
                mask(schemaContract, "person/email", nil), mask(schemaContract, "person/note", 7),
            ])
        for (role, scope) in [("sender", name), ("reader", name)] {
            await drive("client.made") {
                let reply = try await ask(
                    .manage, "POST", "/v1/clients",
                    json: .object(["role": .string(role), "scope": .string(scope)]))
                try expect(reply, 201)
                try adopt(reply.json(), role: role, scope: scope)
            }
        }
    }

    var contract: ProofContract { .avro(levels) }
    var schemaContract: ProofContract { .jsonSchema(levels) }

    /// Leads it to active from whatever state an earlier run left it in.
    private func make(_ contract: ProofContract) async throws {
        let path = "/v1/contracts/\(contract.ref)"
        for _ in 0..<6 {
            let found = try await ask(.look, "GET", path)
            let state = found.status == 404 ? "missing" : try found.json()["state"]?.string
            let reply: Reply
            switch state {
            case "missing"?:
                reply = try await ask(.write, "POST", "/v1/contracts", json: contract.document)
            case "draft"?: reply = try await ask(.write, "POST", "\(path)/review")
            case "inReview"?:
                let number = try found.json()["number"] ?? .null
                reply = try await ask(
                    .approve, "POST", "\(path)/approve", json: .object(["number": number]))
            case "approved"?: reply = try await ask(.write, "POST", "\(path)/activate")
            case "archived"?:
                reply = try await ask(.approve, "POST", "\(path)/reactivate")
            case "active"?:
                await drive("contract.active") {}
                return
            default: throw CommandFailure(.failed, "the contract \(contract.ref) cannot be used")
            }
            guard reply.isSuccess else {
                try reply.check("make the contract \(contract.ref) from state \(state ?? "")")
                return
            }
        }
        throw CommandFailure(.failed, "the contract \(contract.ref) does not become active")
    }

    private func makeStream() async throws {
        let reply = try await ask(
            .manage, "POST", "/v1/streams",
            json: .object([
                "name": .string(name), "retentionDays": .integer(1),
                "keepsRejections": .boolean(true),
            ]))
        try reply.check("make the stream \(name)")
        try adopt(reply.json()["client"], role: "streamOwner", scope: name)
        await drive("stream.made") {}
    }

    private func makeDerived(_ derived: String, masks: [JSONValue]) async {
        await drive(masks.isEmpty ? "derivedStream.made" : "derivedStream.masked") {
            let levels = [self.levels.0, self.levels.1].map { JSONValue.integer($0) }
            let made = try await ask(
                .write, "POST", "/v1/streams",
                json: .object([
                    "name": .string(derived), "derivedFrom": .string(name),
                    "levels": .array(levels), "masks": .array(masks),
                ]))
            try expect(made, 201)
            let answer = try made.json()
            try adopt(answer["client"], role: "reader", scope: derived)
            let approved = try await ask(
                .approve, "POST", "/v1/streams/\(derived)/approve",
                json: .object(["id": answer["id"] ?? .null]))
            try expect(approved, 200, 204)
        }
    }

    /// Acts as the new client from now on; its secret is marked.
    func adopt(_ client: JSONValue?, role: String, scope: String?) throws {
        guard let id = client?["clientId"]?.string, let secret = client?["clientSecret"]?.string
        else { throw ProofGap("the answer holds no client") }
        mark(credential: secret, "clientSecret.\(role)")
        credentials.append(
            Credential(clientId: id, clientSecret: secret, role: role, scope: scope))
    }

    /// Everything but the contracts, which are archived.
    /// - Returns: what could not be removed.
    func removeAll() async -> [String] {
        var left: [String] = []
        func remove(_ purpose: Purpose, _ path: String) async {
            let reply = try? await ask(purpose, "DELETE", path)
            if let status = reply?.status, status == 404 || (200..<300).contains(status) { return }
            left.append(path)
        }
        for exporter in [opened, name, keyed] { await remove(.export, "/v1/exporters/\(exporter)") }
        await remove(.manage, "/v1/connectors/\(name)")
        for stream in [opened, masked, name] { await remove(.manage, "/v1/streams/\(stream)") }
        for contract in [contract, schemaContract] {
            let path = "/v1/contracts/\(contract.ref)"
            let archived = try? await ask(.control, "POST", "\(path)/archive")
            if archived?.isSuccess != true { left.append("\(path) (not archived)") }
        }
        return left
    }
}
