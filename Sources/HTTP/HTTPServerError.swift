/// Why the server did not start. Safe to show: holds settings, never key material.
package enum HTTPServerError: Error, Sendable, CustomStringConvertible {
    case badConfiguration(String)
    /// Clear text on an address that other machines can reach.
    case insecureRemote(host: String)
    case tls(String)
    case bind(host: String, port: Int, reason: String)
    case alreadyStarted

    package var description: String {
        switch self {
        case .badConfiguration(let problem):
            "bad HTTP configuration: \(problem)"
        case .insecureRemote(let host):
            """
            refusing to serve clear text on \(host): it is not a loopback address. Give a \
            certificate and key for TLS, or allow insecure remote access explicitly
            """
        case .tls(let reason):
            "the TLS certificate or key cannot be used: \(reason)"
        case .bind(let host, let port, let reason):
            "cannot listen on \(host):\(port): \(reason)"
        case .alreadyStarted:
            "an HTTP server starts only once"
        }
    }
}
