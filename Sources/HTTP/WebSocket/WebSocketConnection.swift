import NIOCore
import NIOWebSocket
import Synchronization

/// A WebSocket as its service sees it. May be used from any task; one sender at a time keeps
/// frames in order.
package final class WebSocketConnection: Sendable {
    package let remoteAddress: String
    private let loop: HTTPLoop
    private let handler: NIOLoopBound<WebSocketHandler>
    private let closed = Atomic<Bool>(false)

    /// Frames of one write: a slow reader has at most this plus
    /// `HTTPConfiguration.outboundBytesMax` unsent.
    private static let chunkBytesMax = 64 << 10

    /// On the loop.
    init(handler: WebSocketHandler, loop: HTTPLoop, remoteAddress: String) {
        self.handler = NIOLoopBound(handler, eventLoop: loop.eventLoop)
        self.loop = loop
        self.remoteAddress = remoteAddress
    }

    /// Whether nothing can be sent any more, for whatever reason.
    package var isClosed: Bool { closed.load(ordering: .acquiring) }

    /// Sends one text frame. Returns when the connection has taken it, which a slow reader delays.
    ///
    /// `text` must be UTF-8; it is not checked here.
    /// - Throws: `.closed` when the connection is gone, `.tooSlow` when the reader took nothing for
    ///   `webSocketStallTimeoutSeconds` and was closed with 1013, `.tooManySenders`. In each case
    ///   stop sending.
    package func send(text: [UInt8]) async throws(WebSocketError) {
        var frames = ByteBuffer()
        WebSocketFrameWriter.append(text[...], opcode: .text, to: &frames)
        try await write(frames)
    }

    /// Sends each line of `lines` as a text frame of its own; empty lines are left out. The same
    /// bounds and errors as `send(text:)`, with one write for many frames.
    package func send(lines: [UInt8]) async throws(WebSocketError) {
        var frames = ByteBuffer()
        var start = lines.startIndex
        while start < lines.endIndex {
            let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) ?? lines.endIndex
            if end > start {
                WebSocketFrameWriter.append(lines[start..<end], opcode: .text, to: &frames)
            }
            start = end + 1
            if frames.readableBytes >= Self.chunkBytesMax {
                try await write(frames)
                frames.clear()
            }
        }
        if frames.readableBytes > 0 { try await write(frames) }
    }

    /// The next message of the client, in order; nil once the connection is closed. For one caller
    /// at a time, and only where the connection was accepted with `receivesMessages`.
    package func nextMessage() async -> WebSocketMessage? {
        if isClosed { return nil }
        return await withCheckedContinuation { (receiver: WebSocketHandler.Receiver) in
            let isTaken = hop { handler in handler.nextMessage(for: receiver) }
            if !isTaken { receiver.resume(returning: nil) }
        }
    }

    /// Starts the closing handshake; the connection ends when the client answers, or after
    /// `lingerSeconds`. Harmless when it is closed already.
    package func close(code: WebSocketCloseCode = .normal, reason: String = "") async {
        if isClosed { return }
        await withCheckedContinuation { (caller: CheckedContinuation<Void, Never>) in
            let isTaken = hop { handler in
                handler.close(code: code, reason: reason)
                caller.resume()
            }
            if !isTaken { caller.resume() }
        }
    }

    func didClose() {
        closed.store(true, ordering: .releasing)
    }

    private func write(_ frames: ByteBuffer) async throws(WebSocketError) {
        if isClosed { throw .closed }
        let failure = await withCheckedContinuation { (sender: WebSocketHandler.Sender) in
            let isTaken = hop { handler in handler.write(frames, for: sender) }
            if !isTaken { sender.resume(returning: WebSocketError.closed) }
        }
        if let failure { throw failure }
    }

    /// Runs `body` on the event loop. False once the loop has stopped, with every connection:
    /// `body` never runs then, and the caller must resume what waits for it.
    ///
    /// Not `submit` of the event loop: one that has stopped drops it, and its future never ends.
    private func hop(_ body: @escaping @Sendable (WebSocketHandler) -> Void) -> Bool {
        let isTaken = loop.execute { body(self.handler.value) }
        if !isTaken { didClose() }
        return isTaken
    }
}

/// A whole message from the client, its fragments put together.
package enum WebSocketMessage: Sendable, Equatable {
    /// Checked to be UTF-8.
    case text([UInt8])
    case binary([UInt8])
}

/// Why nothing more can be sent.
package enum WebSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    case closed
    case tooSlow
    case tooManySenders

    package var description: String {
        switch self {
        case .closed: "the WebSocket is closed"
        case .tooSlow: "the WebSocket's reader is too slow"
        case .tooManySenders: "too many senders wait on one WebSocket"
        }
    }
}

/// Status codes of RFC 6455, 7.4, and of IANA's registry for 1013.
package enum WebSocketCloseCode: UInt16, Sendable {
    case normal = 1000
    case goingAway = 1001
    case protocolError = 1002
    case unsupportedData = 1003
    case invalidPayload = 1007
    case policyViolation = 1008
    case messageTooBig = 1009
    case internalError = 1011
    /// Too slow, or too many: come again later.
    case tryAgainLater = 1013
}
