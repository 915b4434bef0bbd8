import Foundation

/// Somebody with a machine of their own: only the credentials that they were given.
struct Person {
    let site: Deployment
    let home: String

    /// A new machine, with credentials that the administrator of `site` made for it.
    static func with(_ roles: [String], scope: String? = nil, at site: Deployment) async throws
        -> Person
    {
        let person = Person(site: site, home: "\(site.scratch.path)/home-\(UUID().uuidString)")
        for role in roles {
            let made = try await site.expectSuccess(
                ["create", "client", role, "--do-not-store", "--output", "json"]
                    + (scope.map { ["--scope", $0] } ?? [])
            ).json()
            try await person.receives(made, role: role, scope: scope)
        }
        return person
    }

    /// Stores what somebody handed over: a client id and its secret.
    func receives(_ client: [String: Any], role: String, scope: String?) async throws {
        let id = client["clientId"] as? String ?? ""
        try await expects(
            ["credentials", "add", scope ?? role, "--client-id", id, "--client-secret-file", "-"]
                + ["--role", role] + (scope.map { ["--scope", $0] } ?? []),
            input: client["clientSecret"] as? String ?? "")
    }

    func does(_ arguments: [String], input: String = "") async throws -> Finished {
        try await Tool.run(
            Tool.strm, arguments,
            environment: ["STRM_HOME": home, "STRM_SERVER": site.url], input: input)
    }

    func does(_ arguments: String..., input: String = "") async throws -> Finished {
        try await does(arguments, input: input)
    }

    @discardableResult
    func expects(_ arguments: [String], input: String = "") async throws -> Finished {
        let finished = try await does(arguments, input: input)
        guard finished.status == 0 else {
            throw Unexpected(
                "strm \(arguments.joined(separator: " ")): status \(finished.status): "
                    + finished.output + finished.errors)
        }
        return finished
    }

    @discardableResult
    func expects(_ arguments: String..., input: String = "") async throws -> Finished {
        try await expects(arguments, input: input)
    }

    /// What the command answered, as JSON.
    func reads(_ arguments: String...) async throws -> [String: Any] {
        try await expects(arguments + ["--output", "json"]).json()
    }
}
