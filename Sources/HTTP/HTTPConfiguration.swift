/// Every limit of the HTTP stack, each with its unit and default. All of them are per connection
/// unless the name says otherwise.
package struct HTTPConfiguration: Sendable {
    // MARK: Where

    /// Name or address to bind. Anything but loopback needs `tls` or `allowInsecureRemote`.
    package var host = "127.0.0.1"
    /// 0 lets the kernel pick: `HTTPServer.start()` tells which.
    package var port = 8080
    package var tls: TLSFiles?
    /// Lets clear text be served to other machines. Whoever listens on the wire then reads events.
    package var allowInsecureRemote = false
    /// Event loops, one thread each, 1...1024.
    package var eventLoopThreads = 1
    /// Length of the kernel's queue of connections that wait to be accepted.
    package var acceptBacklog: Int32 = 1024

    // MARK: Requests

    /// A longer body is answered with 413.
    package var bodyBytesMax = 1 << 20
    /// Bodies that are still incomplete, over all connections. A body beyond it is answered with
    /// 503: this is what bounds the memory of uploads, not the flow-control windows.
    package var incompleteBodyBytesMaxTotal = 256 << 20
    /// Response bodies that clients have not taken yet, over all connections. An answer beyond it
    /// becomes 503: this bounds the memory of clients that ask for much and read little.
    package var responseBytesMaxTotal = 512 << 20
    /// Sum of name + value + 32 of all header fields; more is answered with 431.
    package var headerListBytesMax = 16 << 10
    package var headerFieldsMax = 100
    /// Concurrent HTTP/2 streams.
    package var streamsPerConnectionMax = 128
    /// Unsent response bytes at which a connection is no longer written to until half has gone.
    package var outboundBytesMax = 256 << 10
    /// Adds the `date` field that RFC 9110 wants from a server with a clock.
    package var sendsDate = true

    // MARK: Connections

    /// Over the whole server.
    package var connectionsMax = 10_000
    /// An IPv6 /64 counts as one address.
    package var connectionsPerAddressMax = 1_000

    // MARK: Times, in seconds

    /// Without a request in flight and without a byte from the client.
    package var idleTimeoutSeconds = 120.0
    /// From the first byte of a request head to its end, and from the accepted connection to its
    /// first byte.
    package var headerTimeoutSeconds = 10.0
    /// A body may be slower than `bodyBytesPerSecondMin` for this long.
    package var bodyGraceSeconds = 10.0
    package var bodyBytesPerSecondMin = 1024
    package var tlsHandshakeTimeoutSeconds = 10.0
    /// A response that waits this long for a window or for the socket loses its stream or
    /// connection.
    package var stallTimeoutSeconds = 30.0
    /// Then HTTP/2 gets GOAWAY and HTTP/1.1 `connection: close`; what is in flight is finished.
    package var connectionAgeSecondsMax = 900.0
    /// Between the two GOAWAY frames of a graceful stop, so that requests under way arrive.
    package var goAwayNoticeSeconds = 0.1
    /// How long a connection that was refused something is still read, so that it sees the answer.
    package var lingerSeconds = 2.0

    // MARK: Abuse, counted over `abuseWindowSeconds`

    package var abuseWindowSeconds = 30.0
    /// RST_STREAM frames from the client (rapid reset, CVE-2023-44487).
    package var resetsMax = 200
    /// Streams that we had to reset (MadeYouReset, CVE-2025-8671).
    package var streamErrorsMax = 200
    /// PING, SETTINGS and PRIORITY frames.
    package var controlFramesMax = 200
    /// DATA frames in a row that carry nothing and end nothing.
    package var emptyDataFramesMax = 1
    /// CONTINUATION frames of one header block.
    package var continuationsMax = 5
    /// PING and SETTINGS acknowledgements that wait to be sent.
    package var outboundAcksMax = 200

    // MARK: WebSocket

    /// One message from the client, whole; a longer one closes with 1009.
    package var webSocketMessageBytesMax = 1 << 20
    /// A reader that takes nothing for this long is closed with 1013.
    package var webSocketStallTimeoutSeconds = 30.0
    /// A silent client is pinged this often, and closed after three pings without a sign of life.
    package var webSocketPingSeconds = 30.0

    package init() {}

    /// PEM files; the chain starts with the server's own certificate.
    package struct TLSFiles: Sendable {
        package var certificateChainPath: String
        package var privateKeyPath: String

        package init(certificateChainPath: String, privateKeyPath: String) {
            self.certificateChainPath = certificateChainPath
            self.privateKeyPath = privateKeyPath
        }
    }
}

extension HTTPConfiguration {
    /// The first setting that makes no sense, as a sentence; nil if all do.
    func problem() -> String? {
        let positive: [(String, Int)] = [
            ("bodyBytesMax", bodyBytesMax), ("headerListBytesMax", headerListBytesMax),
            ("incompleteBodyBytesMaxTotal", incompleteBodyBytesMaxTotal),
            ("responseBytesMaxTotal", responseBytesMaxTotal),
            ("headerFieldsMax", headerFieldsMax),
            ("streamsPerConnectionMax", streamsPerConnectionMax),
            ("outboundBytesMax", outboundBytesMax), ("connectionsMax", connectionsMax),
            ("connectionsPerAddressMax", connectionsPerAddressMax),
            ("eventLoopThreads", eventLoopThreads), ("continuationsMax", continuationsMax),
            ("outboundAcksMax", outboundAcksMax),
            ("webSocketMessageBytesMax", webSocketMessageBytesMax),
        ]
        if let (name, value) = positive.first(where: { $0.1 < 1 || $0.1 > 1 << 30 }) {
            return "\(name) must be between 1 and 2^30, not \(value)"
        }
        let times: [(String, Double)] = [
            ("idleTimeoutSeconds", idleTimeoutSeconds),
            ("headerTimeoutSeconds", headerTimeoutSeconds),
            ("bodyGraceSeconds", bodyGraceSeconds), ("stallTimeoutSeconds", stallTimeoutSeconds),
            ("tlsHandshakeTimeoutSeconds", tlsHandshakeTimeoutSeconds),
            ("connectionAgeSecondsMax", connectionAgeSecondsMax),
            ("goAwayNoticeSeconds", goAwayNoticeSeconds), ("lingerSeconds", lingerSeconds),
            ("abuseWindowSeconds", abuseWindowSeconds),
            ("webSocketStallTimeoutSeconds", webSocketStallTimeoutSeconds),
            ("webSocketPingSeconds", webSocketPingSeconds),
        ]
        if let (name, value) = times.first(where: { !($0.1 > 0 && $0.1 < 1e9) }) {
            return "\(name) must be a positive number of seconds, not \(value)"
        }
        if eventLoopThreads > 1024 { return "eventLoopThreads must be at most 1024" }
        if !(0...65_535).contains(port) { return "port must be between 0 and 65535, not \(port)" }
        return nil
    }
}
