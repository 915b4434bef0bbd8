import HTTP

/// Finds the route of a request: a handful of templates compared segment by segment. The two hot
/// routes do not come here (`Gateway` matches them on bytes).
struct Router: Sendable {
    enum Match: Sendable {
        case found(Route, parameters: [String: String])
        /// The path exists, with these methods.
        case otherMethod([String])
        case nothing
    }

    let routes: [Route]
    private let compiled: [(segments: [Route.Segment], route: Route)]

    init(_ routes: [Route]) {
        self.routes = routes
        compiled = routes.map { ($0.segments, $0) }
    }

    /// - Parameter path: percent-encoded, without the query. `HEAD` finds the route of `GET`.
    func match(method: String, path: String) -> Match {
        guard let parts = Self.parts(path) else { return .nothing }
        var allowed: [String] = []
        for (segments, route) in compiled {
            guard let parameters = Self.parameters(segments, parts) else { continue }
            if route.method.rawValue == method || (method == "HEAD" && route.method == .get) {
                return .found(route, parameters: parameters)
            }
            allowed.append(route.method.rawValue)
            if route.method == .get { allowed.append("HEAD") }
        }
        return allowed.isEmpty ? .nothing : .otherMethod(allowed)
    }

    /// Decoded segments; nil for a path that no route can have (an empty segment, a broken escape).
    private static func parts(_ path: String) -> [String]? {
        guard path.hasPrefix("/") else { return nil }
        var parts: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty, let decoded = FormText.decode(part, plusIsSpace: false) else {
                return nil
            }
            parts.append(decoded)
        }
        return parts
    }

    private static func parameters(
        _ segments: [Route.Segment], _ parts: [String]
    ) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            if case .rest(let name) = segment {
                guard index < parts.count else { return nil }
                parameters[name] = parts[index...].joined(separator: "/")
                return parameters
            }
            guard index < parts.count else { return nil }
            switch segment {
            case .literal(let text): guard text == parts[index] else { return nil }
            case .parameter(let name), .rest(let name): parameters[name] = parts[index]
            }
        }
        return parts.count == segments.count ? parameters : nil
    }
}
