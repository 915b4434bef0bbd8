import Foundation

/// The address of a server: scheme, host and port, nothing else.
struct ServerURL: Hashable, Sendable, CustomStringConvertible {
    /// Where `strm serve` listens when nothing says otherwise.
    static let standardPort = 8080
    static let standard = "http://127.0.0.1:\(standardPort)"

    let isSecure: Bool
    let host: String
    let port: Int

    /// nil unless `text` is `http://host[:port][/]` or `https://…`, with no path, query or user.
    init?(_ text: String) {
        guard let components = URLComponents(string: text),
            let scheme = components.scheme?.lowercased(), ["http", "https"].contains(scheme),
            var host = components.host?.lowercased(), !host.isEmpty,
            components.user == nil, components.password == nil,
            components.path.isEmpty || components.path == "/",
            components.query == nil, components.fragment == nil
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        isSecure = scheme == "https"
        self.host = host
        port = components.port ?? (isSecure ? 443 : 80)
        guard (1...65535).contains(port) else { return nil }
    }

    var description: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// The name under which this server's credentials are kept: `localhost` and `127.0.0.1` are
    /// one server to the person who types them.
    var credentialsKey: String {
        "\(isSecure ? "https" : "http")://\(host == "localhost" ? "127.0.0.1" : host):\(port)"
    }

    /// Whether the name means this machine, whatever a resolver says.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Host and port as they stand in a `Host` or `:authority` header.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// The server that a command talks to: the option, else `STRM_SERVER`, else the standard one.
    static func chosen(_ option: String?) throws(CommandFailure) -> ServerURL {
        let text = option ?? ProcessInfo.processInfo.environment["STRM_SERVER"] ?? standard
        guard let url = ServerURL(text) else {
            throw CommandFailure(
                .notConfigured, "'\(text)' is not an http:// or https:// address",
                next: "STRM_SERVER=\(standard), or --server \(standard)")
        }
        return url
    }
}
