/// What answers requests. An implementation is shared by all event loops.
package protocol HTTPHandler: AnyObject, Sendable {
    /// Takes one complete request, on the event loop of its connection.
    ///
    /// The view and every pointer in it die when this returns: copy what is needed later.
    /// Answer exactly once through `loop.respond(token, …)`, now or later; a second answer, and
    /// one to a connection that is gone, is dropped. Must not block: all connections of this loop
    /// wait meanwhile. Answers given during this call are sent at the end of the read.
    func handle(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, on loop: HTTPLoop)

    /// Decides about a WebSocket handshake that is well-formed. Called off the event loop; the
    /// connection is not read meanwhile, and is closed if this takes longer than
    /// `HTTPConfiguration.headerTimeoutSeconds`. Cancelled when the connection is gone. A graceful
    /// stop waits for it, until its deadline.
    func webSocketRequested(_ request: HTTPRequest) async -> WebSocketDecision
}

/// What a handler says to a WebSocket handshake.
package enum WebSocketDecision: Sendable {
    /// `service` runs once the handshake is done; when it returns, the connection is closed with
    /// 1000. With `receivesMessages` false, what the client sends is checked and dropped; with
    /// true, the service must keep calling `nextMessage()`, and a client is not read while its
    /// messages wait.
    case accept(
        receivesMessages: Bool = false, service: @Sendable (WebSocketConnection) async -> Void)
    case reject(HTTPResponse)
}

extension HTTPHandler {
    package func webSocketRequested(_ request: HTTPRequest) async -> WebSocketDecision {
        .reject(HTTPResponse(status: 404))
    }
}
