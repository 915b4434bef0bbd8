import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// Talks to the management and read routes of one server, as one client.
///
/// An actor because the access token is fetched once and used by whatever runs beside each other.
/// Requests never follow redirects: a token must not travel to another host.
actor ServerClient {
    nonisolated let server: ServerURL
    nonisolated let credential: Credential
    private let http: HTTPClient
    private var token: String?

    private init(server: ServerURL, credential: Credential, http: HTTPClient) {
        self.server = server
        self.credential = credential
        self.http = http
    }

    /// Runs `body` with a client for `purpose`, then closes its connections.
    static func with<Result: Sendable>(
        _ options: ConnectionOptions, _ purpose: Purpose,
        _ body: (ServerClient) async throws -> Result
    ) async throws -> Result {
        let server = try ServerURL.chosen(options.server)
        let credential = try options.credential(for: purpose, at: server)
        return try await with(server, credential, trusting: options.trustRoots(), body)
    }

    static func with<Result: Sendable>(
        _ server: ServerURL, _ credential: Credential, trusting roots: NIOSSLTrustRoots,
        _ body: (ServerClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        configuration.tlsConfiguration = .makeClientConfiguration()
        configuration.tlsConfiguration?.trustRoots = roots
        configuration.proxy = nil
        // Otherwise a server that is not there is told only after the whole connect timeout.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let client = ServerClient(server: server, credential: credential, http: http)
        do {
            let result = try await body(client)
            try await http.shutdown()
            return result
        } catch {
            // The first failure is the one to tell; a failing shutdown on top adds nothing.
            try? await http.shutdown()
            throw error
        }
    }

    /// Sends a request with a token, fetching the token first, and once more if it has expired.
    /// - Parameter timeoutSeconds: until the whole answer is there.
    /// - Throws: `unavailable` if the server cannot be reached or goes away.
    func request(
        _ method: String, _ path: String, json: JSONValue? = nil, body: [UInt8]? = nil,
        contentType: String = "application/json", timeoutSeconds: Int64 = 30
    ) async throws -> Reply {
        var headers: [(String, String)] = []
        var bytes = body
        if let json { bytes = Array(json.text(pretty: false).utf8) }
        if bytes != nil { headers.append(("content-type", contentType)) }
        let first = try await send(
            method, path, headers + [("authorization", "Bearer \(try await accessToken())")],
            bytes, timeoutSeconds)
        guard first.status == 401 else { return first }
        token = nil
        return try await send(
            method, path, headers + [("authorization", "Bearer \(try await accessToken())")],
            bytes, timeoutSeconds)
    }

    /// Sends a request as nobody: for what a server answers to anyone, and for one that is sealed.
    func requestWithoutToken(
        _ method: String, _ path: String, body: [UInt8]? = nil, contentType: String = "text/plain",
        timeoutSeconds: Int64 = 30
    ) async throws -> Reply {
        let headers = body == nil ? [] : [("content-type", contentType)]
        return try await send(method, path, headers, body, timeoutSeconds)
    }

    /// A valid access token. One request to the server for each ``ServerClient``, until it expires.
    func accessToken() async throws -> String {
        if let token { return token }
        let basic = Data("\(credential.clientId):\(credential.clientSecret)".utf8)
            .base64EncodedString()
        let reply = try await send(
            "POST", "/oauth2/token",
            [
                ("authorization", "Basic \(basic)"),
                ("content-type", "application/x-www-form-urlencoded"),
            ],
            Array("grant_type=client_credentials".utf8), 30)
        try reply.check("get a token")
        guard let fresh = try reply.json()["access_token"]?.string else {
            throw CommandFailure(.failed, "the token answer has no access_token")
        }
        token = fresh
        return fresh
    }

    /// Forgets the token, so that the next request fetches another one.
    func renewToken() {
        token = nil
    }

    private func send(
        _ method: String, _ path: String, _ headers: [(String, String)], _ body: [UInt8]?,
        _ timeoutSeconds: Int64
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: server.description + path)
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(body) }
        do {
            let response = try await http.execute(request, timeout: .seconds(timeoutSeconds))
            var collected = try await response.body.collect(upTo: Reply.bodyBytesMax)
            var named: [String: String] = [:]
            for (name, value) in response.headers { named[name.lowercased()] = value }
            return Reply(
                status: Int(response.status.code), headers: named,
                body: collected.readBytes(length: collected.readableBytes) ?? [])
        } catch let error as HTTPClientError where error == .cancelled {
            throw CancellationError()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Self.failure(error, server)
        }
    }

    /// What a failed connection means to the person at the terminal.
    static func failure(_ error: any Error, _ server: ServerURL) -> CommandFailure {
        if let failure = error as? CommandFailure { return failure }
        let text = String(describing: error)
        if error is NIOSSLError || text.contains("CERTIFICATE_VERIFY_FAILED")
            || text.contains("handshakeFailed")
        {
            return CommandFailure(
                .unavailable, "the certificate of \(server) is not trusted",
                next: "--ca-file FILE with the certificate that signed it")
        }
        return .cannotReach(server)
    }
}

extension ConnectionOptions {
    /// The client to act as: the one on the command line, else a stored one that fits.
    func credential(
        for purpose: Purpose, at server: ServerURL
    ) throws(CommandFailure) -> Credential {
        if let clientId, let clientSecretFile {
            let secret = try SecretFile.read(clientSecretFile)
            return Credential(
                clientId: clientId, clientSecret: secret, role: nil, scope: purpose.scope)
        }
        return try CredentialStore.standard().credential(for: purpose, at: server)
    }

    static var systemRoots: NIOSSLTrustRoots { .default }

    func trustRoots() throws(CommandFailure) -> NIOSSLTrustRoots {
        guard let certificateAuthorityFile else { return .default }
        guard FileManager.default.isReadableFile(atPath: certificateAuthorityFile) else {
            throw .cannotRead(certificateAuthorityFile, reason: "no such file, or not permitted")
        }
        return .file(certificateAuthorityFile)
    }
}

/// A secret in a file or on standard input, never on the command line, where every user of the
/// machine could read it.
enum SecretFile {
    /// Room for a session token, the longest secret of one line.
    static let bytesMax = 32 << 10

    /// The first line, without its newline.
    static func read(_ path: String) throws(CommandFailure) -> String {
        let text: String
        if path == "-" {
            text = readLine(strippingNewline: true) ?? ""
        } else {
            guard let data = FileManager.default.contents(atPath: path), data.count <= bytesMax
            else { throw .cannotRead(path, reason: "no such file, or not permitted") }
            text = String(decoding: data, as: UTF8.self)
        }
        let line = text.prefix { !$0.isNewline }
        guard !line.isEmpty else { throw .cannotRead(path, reason: "it is empty") }
        return String(line)
    }
}
