import FoundationEssentials
import HTTP
import Logging
import ServiceLifecycle
import Store
import UnixSignals

/// `strm bench null`: the same HTTP stack, which answers 204 to everything and does nothing else.
/// What ingest costs is measured against it.
package enum NullServer {
    /// Serves until SIGTERM, SIGINT or the cancellation of the task.
    /// - Parameters:
    ///   - threads: event loops; 0: as many as `strm serve` would take.
    ///   - tlsCertificate: with `tlsKey`, files in PEM; nil: in clear text.
    ///   - onReady: called once with the port.
    package static func run(
        host: String = "127.0.0.1", port: Int, threads: Int = 0, tlsCertificate: String? = nil,
        tlsKey: String? = nil,
        onReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) async throws {
        // As the real server does, or the comparison would be of two allocators.
        AllocatorArenas.bound()
        var configuration = HTTPConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.eventLoopThreads =
            threads > 0
            ? threads : min(8, max(1, ProcessInfo.processInfo.activeProcessorCount))
        if let tlsCertificate, let tlsKey {
            configuration.tls = HTTPConfiguration.TLSFiles(
                certificateChainPath: tlsCertificate, privateKeyPath: tlsKey)
        }
        let logger = Logger(label: "strm") { _ in SwiftLogNoOpLogHandler() }
        let service = NullService(
            server: HTTPServer(
                configuration: configuration, handler: NullHandler(), logger: logger),
            onReady: onReady)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

private final class NullHandler: HTTPHandler {
    func handle(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, on loop: HTTPLoop
    ) {
        loop.respond(token, status: 204)
    }
}

private struct NullService: Service {
    let server: HTTPServer
    let onReady: @Sendable (Int) -> Void

    func run() async throws {
        do {
            onReady(try await server.start())
        } catch {
            await server.shutdownGracefully(deadlineSeconds: 0)
            throw error
        }
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled: the same end.
        }
        await server.shutdownGracefully(deadlineSeconds: 1)
    }
}
