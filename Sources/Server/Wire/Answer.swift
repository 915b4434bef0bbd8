import HTTP

/// The successful answers of the management routes.
enum Answer {
    static func json(_ value: WireValue, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("content-type", "application/json")], body: value.bytes)
    }

    /// For answers that hold a credential: no cache may keep them (RFC 6749 §5.1).
    static func secret(_ value: WireValue, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [
                ("content-type", "application/json"), ("cache-control", "no-store"),
                ("pragma", "no-cache"),
            ], body: value.bytes)
    }

    static func text(
        _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> HTTPResponse {
        HTTPResponse(status: 200, headers: [("content-type", type)], body: Array(text.utf8))
    }

    static let noContent = HTTPResponse(status: 204)
}
