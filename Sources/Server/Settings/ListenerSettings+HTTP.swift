import FoundationEssentials
import HTTP

extension ListenerSettings {
    var configuration: HTTPConfiguration {
        var configuration = HTTPConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.allowInsecureRemote = allowInsecureRemote
        if let tlsCertificate, let tlsPrivateKey {
            configuration.tls = HTTPConfiguration.TLSFiles(
                certificateChainPath: tlsCertificate, privateKeyPath: tlsPrivateKey)
        }
        configuration.eventLoopThreads =
            eventLoopThreads > 0
            ? eventLoopThreads : min(8, max(1, ProcessInfo.processInfo.activeProcessorCount))
        configuration.bodyBytesMax = bodyBytesMax
        configuration.headerListBytesMax = headerListBytesMax
        configuration.streamsPerConnectionMax = streamsPerConnectionMax
        configuration.connectionsMax = connectionsMax
        configuration.connectionsPerAddressMax = connectionsPerAddressMax
        configuration.idleTimeoutSeconds = Double(idleSeconds)
        configuration.headerTimeoutSeconds = Double(headerSeconds)
        configuration.bodyGraceSeconds = Double(bodyGraceSeconds)
        return configuration
    }

    /// Where clients find the server if nobody says otherwise.
    var defaultIssuer: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(tlsCertificate == nil ? "http" : "https")://\(name):\(port)"
    }
}
