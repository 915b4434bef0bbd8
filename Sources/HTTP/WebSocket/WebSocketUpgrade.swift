import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The handshake of RFC 6455: NIO checks it and computes the accept key, the handler decides.
enum WebSocketUpgrade {
    /// On the event loop. The connection is not read until the decision is there.
    static func begin(_ http1: HTTP1Handler, head: HTTPRequestHead, request: HTTPRequest) {
        let loop = http1.loop
        // NIO is told yes in advance, and answers at once. The handler is asked afterwards, and not
        // through a future of NIO's: who decides may outlive the event loop, which would then drop
        // the promise unfulfilled.
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: loop.configuration.webSocketMessageBytesMax,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        let bound = NIOLoopBound(http1, eventLoop: loop.eventLoop)
        upgrader.buildUpgradeResponse(
            channel: http1.connection.channel, upgradeRequest: head,
            initialResponseHeaders: HTTPHeaders()
        ).whenComplete { result in
            switch result {
            case .success(let headers):
                ask(bound.value, headers, request)
            case .failure:
                // The handshake is bad: nobody is asked.
                loop.counters.protocolErrors.bump()
                bound.value.reject(ProtocolProblem.upgradeRefused.response)
                loop.finishResponses()
            }
        }
    }

    private static func ask(
        _ http1: HTTP1Handler, _ headers: HTTPHeaders, _ request: HTTPRequest
    ) {
        let loop = http1.loop
        let handler = loop.handler
        let bound = NIOLoopBound(http1, eventLoop: loop.eventLoop)
        // Unstructured, since an event loop has no task to be its parent; but it is cancelled when
        // the connection closes, and a stop waits for it.
        loop.serviceBegan()
        http1.decision = Task {
            let decision = await handler.webSocketRequested(request)
            // Refused once the loop has stopped: the connection was closed by force, and nothing is
            // left to answer or to count.
            loop.execute {
                finish(bound.value, headers, decision)
                loop.finishResponses()
                loop.serviceEnded()
            }
        }
    }

    private static func finish(
        _ http1: HTTP1Handler, _ headers: HTTPHeaders, _ decision: WebSocketDecision
    ) {
        http1.decision = nil
        switch decision {
        case .accept(let receivesMessages, let service):
            accept(http1, headers, receivesMessages: receivesMessages, service: service)
        case .reject(let response):
            http1.reject(response)
        }
    }

    private static func accept(
        _ http1: HTTP1Handler, _ headers: HTTPHeaders, receivesMessages: Bool,
        service: @escaping @Sendable (WebSocketConnection) async -> Void
    ) {
        // The client may have left, or the deadline passed, while the handler thought.
        guard let context = http1.context, case .upgrading = http1.state else { return }
        let connection = http1.connection
        let loop = http1.loop
        let socket = WebSocketHandler(connection: connection, receivesMessages: receivesMessages)
        let front = WebSocketConnection(
            handler: socket, loop: loop, remoteAddress: connection.remoteAddress)
        socket.front = front
        let head = HTTPResponseHead(
            version: .http1_1, status: .switchingProtocols, headers: headers)
        context.writeAndFlush(http1.wrapOutboundOut(.head(head)), promise: nil)
        do {
            // From the back to the front: what the decoder has left over is passed on as it goes,
            // and must meet the frame decoder only.
            let pipeline = context.pipeline.syncOperations
            connection.enter(.webSocket(socket))
            pipeline.removeHandler(http1, promise: nil)
            let frames = WebSocketFrameDecoder(
                maxFrameSize: loop.configuration.webSocketMessageBytesMax)
            try pipeline.addHandlers([ByteToMessageHandler(frames), socket])
            for handler in http1.httpHandlers {
                pipeline.removeHandler(handler, promise: nil)
            }
        } catch {
            // Only a pipeline that is being torn down refuses a handler.
            connection.closeNow()
            return
        }
        loop.counters.webSocketsAccepted.bump()
        // Unstructured, cancelled and waited for like the decision.
        loop.serviceBegan()
        socket.service = Task {
            await service(front)
            await front.close(code: .normal)
            loop.serviceEnded()
        }
        // A stop may have begun while the handler decided.
        if loop.isDraining { socket.close(code: .goingAway) }
    }
}
