import NIOCore

/// The configured times in the form in which the sweep compares them.
struct Limits: Sendable {
    let idleTimeout: TimeAmount
    let headerTimeout: TimeAmount
    let bodyGrace: TimeAmount
    let tlsHandshakeTimeout: TimeAmount
    let stallTimeout: TimeAmount
    let connectionAgeMax: TimeAmount
    let goAwayNotice: TimeAmount
    let linger: TimeAmount
    let abuseWindow: TimeAmount
    let webSocketStallTimeout: TimeAmount
    let webSocketPing: TimeAmount
    /// How often deadlines are looked at: each may be this much late.
    let sweep: TimeAmount
    let bodyBytesPerSecondMin: Int

    init(_ configuration: HTTPConfiguration) {
        // A nonsensical time must not trap: `start()` refuses it with a sentence.
        func amount(_ seconds: Double) -> TimeAmount {
            seconds > 0 && seconds < 1e9 ? .nanoseconds(Int64(seconds * 1e9)) : .seconds(1)
        }
        idleTimeout = amount(configuration.idleTimeoutSeconds)
        headerTimeout = amount(configuration.headerTimeoutSeconds)
        bodyGrace = amount(configuration.bodyGraceSeconds)
        tlsHandshakeTimeout = amount(configuration.tlsHandshakeTimeoutSeconds)
        stallTimeout = amount(configuration.stallTimeoutSeconds)
        connectionAgeMax = amount(configuration.connectionAgeSecondsMax)
        goAwayNotice = amount(configuration.goAwayNoticeSeconds)
        linger = amount(configuration.lingerSeconds)
        abuseWindow = amount(configuration.abuseWindowSeconds)
        webSocketStallTimeout = amount(configuration.webSocketStallTimeoutSeconds)
        webSocketPing = amount(configuration.webSocketPingSeconds)
        bodyBytesPerSecondMin = configuration.bodyBytesPerSecondMin
        let shortest = min(
            idleTimeout, headerTimeout, bodyGrace, tlsHandshakeTimeout, stallTimeout,
            connectionAgeMax, linger, webSocketStallTimeout, webSocketPing)
        sweep = max(
            .milliseconds(10), min(.milliseconds(500), .nanoseconds(shortest.nanoseconds / 4)))
    }

    /// Whether a body that began at `start` and has `count` bytes by now comes in too slowly.
    func isTooSlow(count: Int, since start: NIODeadline, now: NIODeadline) -> Bool {
        let beyond = (now - start) - bodyGrace
        guard beyond > .zero else { return false }
        return Double(count) < Double(bodyBytesPerSecondMin) * Double(beyond.nanoseconds) / 1e9
    }
}

/// Counts events over a fixed window of time.
struct RateWindow {
    private var start = NIODeadline.distantPast
    private var count = 0

    /// Counts one more; true when that is more than `max` since the window began.
    mutating func exceeds(_ max: Int, in window: TimeAmount, now: NIODeadline) -> Bool {
        if now - start > window {
            start = now
            count = 0
        }
        count += 1
        return count > max
    }
}
