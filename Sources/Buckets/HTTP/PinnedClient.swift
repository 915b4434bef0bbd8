import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Connections to one address under one name: the certificate is checked for the name.
struct PinnedClient: Sendable {
    private static let connectSeconds: Int64 = 10

    private let endpoint: Endpoint
    private let client: HTTPClient
    private let requestSeconds: Int

    /// Close it, or its connections stay.
    static func open(
        _ endpoint: Endpoint, _ address: SocketAddress, policy: BucketPolicy
    ) async throws(BucketError) -> PinnedClient {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.proxy = nil
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(connectSeconds)
        configuration.timeout.read = .seconds(Int64(policy.requestSeconds))
        configuration.timeout.write = .seconds(Int64(policy.requestSeconds))
        // Pauses and tries are this module's own business.
        configuration.connectionPool.retryConnectionEstablishment = false
        if endpoint.literalAddress == nil {
            guard let text = address.ipAddress else { throw .endpointRefused("it has no address") }
            configuration.dnsOverride = [endpoint.host: text]
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = policy.certificateAuthorityFile, endpoint.isSecure {
            tls.additionalTrustRoots = [.certificates(try await certificates(in: file))]
        }
        configuration.tlsConfiguration = tls
        return PinnedClient(
            endpoint: endpoint,
            client: HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration),
            requestSeconds: policy.requestSeconds)
    }

    /// - Throws: `unreachable`, `cancelled`, `unexpected` for an answer that is too long.
    func send(_ request: ExchangeRequest) async throws(BucketError) -> ExchangeReply {
        var message = HTTPClientRequest(url: endpoint.origin + request.target)
        message.method = HTTPMethod(rawValue: request.method)
        message.headers.add(name: "host", value: request.host ?? endpoint.hostHeader)
        for (name, value) in request.headers { message.headers.add(name: name, value: value) }
        if !request.body.isEmpty { message.body = .bytes(ByteBuffer(bytes: request.body)) }
        let deadline = NIODeadline.now() + .seconds(Int64(requestSeconds))
        do {
            let response = try await client.execute(message, deadline: deadline)
            let body = try await Self.body(of: response, until: deadline)
            return ExchangeReply(
                status: Int(response.status.code),
                headers: response.headers.map { ($0.name.lowercased(), $0.value) }, body: body)
        } catch let error as BucketError {
            throw error
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .unreachable(reason(of: error))
        }
    }

    func close() async {
        // It fails only if it was closed before.
        try? await client.shutdown()
    }

    /// The client's own deadline ends with the head of an answer; a body that trickles would go on.
    private static func body(
        of response: HTTPClientResponse, until deadline: NIODeadline
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in response.body {
            bytes.append(contentsOf: chunk.readableBytesView)
            guard bytes.count <= HTTPExchange.bodyBytesMax else {
                throw BucketError.unexpected(
                    status: Int(response.status.code), code: "AnswerTooLong")
            }
            guard NIODeadline.now() < deadline else { throw HTTPClientError.deadlineExceeded }
        }
        return bytes
    }

    private static func certificates(
        in file: String
    ) async throws(BucketError) -> [NIOSSLCertificate] {
        do {
            let found = try await NIOThreadPool.singleton.runIfActive {
                try NIOSSLCertificate.fromPEMFile(file)
            }
            guard !found.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            return found
        } catch {
            throw .unreachable("the file of certificate authorities cannot be read")
        }
    }

    /// In our own words: what a library prints may hold what the other side sent.
    private func reason(of error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: "no connection within \(Self.connectSeconds) seconds"
            case .deadlineExceeded, .readTimeout, .writeTimeout:
                "no answer within \(requestSeconds) seconds"
            case .tlsHandshakeTimeout: "no TLS handshake in time"
            default: "the connection broke off"
            }
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason(of: $0.error) } ?? "no connection"
        case ChannelError.connectTimeout:
            "no connection within \(Self.connectSeconds) seconds"
        case let error as IOError:
            String(cString: strerror(error.errnoCode))
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            "its certificate is not accepted, or TLS failed"
        default:
            "the connection broke off"
        }
    }
}
