import Synchronization

/// What the server has done since its start. Taken while it runs: the figures are each true,
/// but not of one and the same instant.
package struct HTTPStatistics: Sendable, Equatable {
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    /// Closed at once because a limit of connections was reached.
    package var connectionsRefused = 0
    package var requestsHTTP1 = 0
    package var requestsHTTP2 = 0
    package var webSocketsOpen = 0
    package var webSocketsAccepted = 0
    /// RST_STREAM frames received.
    package var streamResets = 0
    /// Malformed input, broken limits and floods.
    package var protocolErrors = 0
    /// Connections and streams ended because they were too slow or silent.
    package var timeouts = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    package var incompleteBodyBytes = 0

    package var requests: Int { requestsHTTP1 + requestsHTTP2 }
}

/// One event loop's counters: written by its loop only, read by any thread. A single writer needs
/// no read-modify-write, so each update is a plain store.
struct LoopCounters: ~Copyable, Sendable {
    let accepted = Atomic<Int>(0)
    let requestsHTTP1 = Atomic<Int>(0)
    let requestsHTTP2 = Atomic<Int>(0)
    let webSocketsOpen = Atomic<Int>(0)
    let webSocketsAccepted = Atomic<Int>(0)
    let streamResets = Atomic<Int>(0)
    let protocolErrors = Atomic<Int>(0)
    let timeouts = Atomic<Int>(0)
    let bytesReceived = Atomic<Int>(0)
    let bytesSent = Atomic<Int>(0)
    let incompleteBodyBytes = Atomic<Int>(0)

    func add(to sum: inout HTTPStatistics) {
        sum.connectionsAccepted += accepted.load(ordering: .relaxed)
        sum.requestsHTTP1 += requestsHTTP1.load(ordering: .relaxed)
        sum.requestsHTTP2 += requestsHTTP2.load(ordering: .relaxed)
        sum.webSocketsOpen += webSocketsOpen.load(ordering: .relaxed)
        sum.webSocketsAccepted += webSocketsAccepted.load(ordering: .relaxed)
        sum.streamResets += streamResets.load(ordering: .relaxed)
        sum.protocolErrors += protocolErrors.load(ordering: .relaxed)
        sum.timeouts += timeouts.load(ordering: .relaxed)
        sum.bytesReceived += bytesReceived.load(ordering: .relaxed)
        sum.bytesSent += bytesSent.load(ordering: .relaxed)
        sum.incompleteBodyBytes += incompleteBodyBytes.load(ordering: .relaxed)
    }
}

extension Atomic where Value == Int {
    /// Only for a counter that one thread writes.
    @inline(__always)
    borrowing func bump(_ amount: Int = 1) {
        store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
