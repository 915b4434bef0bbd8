import FoundationEssentials
import HTTP
import Store

/// The token endpoints: OAuth 2.0 (RFC 6749 §4.4, RFC 8414, RFC 7517) and those of the older
/// protocol.
struct TokenRoutes: Sendable {
    let service: TokenService
    let keys: SigningKeys
    let issuer: String

    var routes: [Route] {
        [
            Route(method: .post, template: "/oauth2/token", access: .open) {
                await token($0, withRefresh: false)
            },
            Route(
                method: .post, template: "/auth/realms/streams/protocol/openid-connect/token",
                access: .open
            ) { await token($0, withRefresh: true) },
            Route(method: .post, template: "/auth", access: .open) { try await authenticate($0) },
            Route(method: .post, template: "/refresh", access: .open) { try await refresh($0) },
            Route(method: .get, template: "/.well-known/jwks.json", access: .open) { _ in
                Answer.json(keys.jwkSet)
            },
            Route(
                method: .get, template: "/.well-known/oauth-authorization-server", access: .open
            ) { _ in Answer.json(metadata) },
        ]
    }

    // MARK: RFC 6749

    private func token(_ request: RouteRequest, withRefresh: Bool) async -> HTTPResponse {
        do {
            guard request.mediaType == "application/x-www-form-urlencoded" else {
                throw OAuthError.invalidRequest(
                    "The content type must be application/x-www-form-urlencoded.")
            }
            let form = try Self.form(request.http.body)
            let credentials = try Self.credentials(request, form)
            switch form["grant_type"] {
            case "client_credentials"?:
                guard let credentials else { throw OAuthError.invalidClient }
                let grant = try await service.grant(
                    clientID: credentials.clientID, secret: credentials.secret,
                    scope: form["scope"], withRefresh: withRefresh, now: request.now)
                return Self.answer(grant, withExpiry: withRefresh)
            case "refresh_token"? where withRefresh:
                guard let token = form["refresh_token"] else {
                    throw OAuthError.invalidRequest("The parameter refresh_token is missing.")
                }
                let grant = try await service.refresh(
                    token, credentials: credentials, now: request.now)
                return Self.answer(grant, withExpiry: true)
            case nil: throw OAuthError.invalidRequest("The parameter grant_type is missing.")
            default: throw OAuthError.unsupportedGrantType
            }
        } catch let error as OAuthError {
            return error.response
        } catch let failure as TokenService.Failure {
            switch failure {
            case .invalidClient: return OAuthError.invalidClient.response
            case .invalidGrant: return OAuthError.invalidGrant.response
            case .invalidScope: return OAuthError.invalidScope.response
            }
        } catch {
            return OAuthError.temporarilyUnavailable.response
        }
    }

    private static let known: Set<String> = [
        "grant_type", "client_id", "client_secret", "refresh_token", "scope",
    ]

    private static func form(_ body: [UInt8]) throws(OAuthError) -> [String: String] {
        guard let text = String(validating: body, as: UTF8.self), let pairs = FormText.pairs(text)
        else { throw .invalidRequest("The body is not a form.") }
        var form: [String: String] = [:]
        for (name, value) in pairs {
            // RFC 6749 §3.2: unknown parameters are ignored, known ones must not be repeated.
            guard Self.known.contains(name) else { continue }
            guard form.updateValue(value, forKey: name) == nil else {
                throw .invalidRequest("A parameter is given twice.")
            }
        }
        return form
    }

    /// Basic or form, never both (RFC 6749 §2.3); nil if there are none.
    private static func credentials(
        _ request: RouteRequest, _ form: [String: String]
    ) throws(OAuthError) -> (clientID: String, secret: String)? {
        if let header = request.http.header("authorization") {
            guard form["client_secret"] == nil else {
                throw .invalidRequest("Credentials are given twice.")
            }
            guard let basic = basic(header) else { throw .invalidClient }
            guard form["client_id"] == nil || form["client_id"] == basic.clientID else {
                throw .invalidRequest("client_id differs from the Authorization header.")
            }
            return basic
        }
        guard let secret = form["client_secret"] else { return nil }
        guard let clientID = form["client_id"] else {
            throw .invalidRequest("The parameter client_id is missing.")
        }
        return (clientID, secret)
    }

    private static func basic(_ header: String) -> (clientID: String, secret: String)? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let data = Data(base64Encoded: String(parts[1])),
            let text = String(validating: data, as: UTF8.self),
            let colon = text.firstIndex(of: ":"),
            // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            let clientID = FormText.decode(text[..<colon], plusIsSpace: true),
            let secret = FormText.decode(text[text.index(after: colon)...], plusIsSpace: true)
        else { return nil }
        return (clientID, secret)
    }

    private static func answer(
        _ grant: TokenService.Grant, withExpiry: Bool
    ) -> HTTPResponse {
        var members: [(name: String, value: WireValue)] = [
            ("access_token", .string(grant.accessToken)), ("token_type", "Bearer"),
            ("expires_in", .integer(Int64(grant.expiresIn))),
        ]
        if withExpiry { members.append(("expires_at", .integer(grant.expiresAtSeconds))) }
        if let refresh = grant.refreshToken {
            members.append(("refresh_token", .string(refresh)))
        }
        if let scope = grant.client.scope { members.append(("scope", .string(scope))) }
        return Answer.secret(.object(members))
    }

    // MARK: The older protocol

    private func authenticate(_ request: RouteRequest) async throws -> HTTPResponse {
        let body = try request.looseObject()
        let clientID = try body.requiredText("clientId")
        let secret = try body.requiredText("clientSecret")
        _ = try body.text("billingId")
        do {
            let grant = try await service.grant(
                clientID: clientID, secret: secret, withRefresh: true, now: request.now)
            return Self.olderAnswer(grant)
        } catch is TokenService.Failure {
            throw Problem.invalidCredentials
        }
    }

    private func refresh(_ request: RouteRequest) async throws -> HTTPResponse {
        let body = try request.looseObject()
        let token = try body.requiredText("refreshToken")
        do {
            return Self.olderAnswer(
                try await service.refresh(token, credentials: nil, now: request.now))
        } catch is TokenService.Failure {
            throw Problem.invalidCredentials
        }
    }

    private static func olderAnswer(_ grant: TokenService.Grant) -> HTTPResponse {
        Answer.secret([
            "idToken": .string(grant.accessToken), "refreshToken": .optional(grant.refreshToken),
            "expiresAt": .integer(grant.expiresAtSeconds),
        ])
    }

    // MARK: Metadata

    private var metadata: WireValue {
        [
            "issuer": .string(issuer), "token_endpoint": .string(issuer + "/oauth2/token"),
            "jwks_uri": .string(issuer + "/.well-known/jwks.json"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "service_documentation": .string(issuer + "/openapi.yaml"),
        ]
    }
}
