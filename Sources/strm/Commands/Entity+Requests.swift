import ArgumentParser

/// What `get`, `list` and `delete` do; only the entity differs.
extension Entity {
    /// What reading one or many is, for the choice of a stored credential.
    private var reading: Purpose {
        switch self {
        case .contract, .stream, .purpose: .look
        case .client: .manage
        case .connector, .batchExporter: .inspectExports
        }
    }

    private var changing: Purpose {
        switch self {
        case .contract: .control
        case .purpose: .definePurposes
        case .stream, .client, .connector: .manage
        case .batchExporter: .export
        }
    }

    func get(
        _ name: String, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let path = try path(name)
        try await ServerClient.with(connection, reading) { client in
            let reply = try await client.request("GET", path)
            try reply.check("read \(name)")
            show(try reply.json(), as: output.output)
        }
    }

    func list(_ connection: ConnectionOptions, _ output: OutputOptions) async throws {
        try await ServerClient.with(connection, reading) { client in
            let reply = try await client.request("GET", collection)
            try reply.check("list \(plural)")
            showList(try reply.json(), as: output.output)
        }
    }

    /// Also forgets the credentials that it makes worthless.
    func delete(_ name: String, _ connection: ConnectionOptions) async throws {
        let path = try path(name)
        try await ServerClient.with(connection, changing) { client in
            let reply = try await client.request("DELETE", path)
            try reply.check("delete \(name)")
            let store = CredentialStore.standard()
            switch self {
            case .contract, .purpose, .connector, .batchExporter: break
            case .stream: _ = try store.forget(scope: name, at: client.server)
            case .client: _ = try store.forget(clientId: name, at: client.server)
            }
        }
    }
}
