/// One complete request with storage of its own, for the routes that are not hot.
package struct HTTPRequest: Sendable {
    /// As sent, upper case for all known methods.
    package var method: String
    /// Without the query, still percent-encoded; "*" for `OPTIONS *`.
    package var path: String
    /// What follows the first "?", still percent-encoded; empty if there is none.
    package var query: String
    /// In the order in which they came, names in lower case, pseudo-headers left out. The
    /// authority of HTTP/2 is given as "host".
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Address without port, for rate limits and the audit; empty if it is not known.
    package var remoteAddress: String
    package var isHTTP2: Bool
    package var isTLS: Bool

    package init(
        method: String, path: String, query: String = "",
        headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        remoteAddress: String = "", isHTTP2: Bool = false, isTLS: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.isHTTP2 = isHTTP2
        self.isTLS = isTLS
    }

    /// First value of a header; `name` in lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
