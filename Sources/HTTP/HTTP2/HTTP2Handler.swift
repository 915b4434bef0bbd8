import CNGHTTP2
import NIOCore

/// HTTP/2 on one connection: nghttp2 does the protocol, this drives it from the channel.
///
/// Bytes go in on `channelRead`; everything that nghttp2 wants to say is gathered in one buffer and
/// written once at the end of the read, or once per group of answers. Two rules keep that safe:
/// no callback of nghttp2 ever writes to the channel, since a write may close it and thereby free
/// the session; and `mem_recv`, `mem_send` and `session_del` are never called inside a callback.
///
/// Windows: a stream's window is a body's limit, so a body never waits for credit; the
/// connection's window is returned as bytes arrive. What bounds memory is the body limit per
/// stream, and the budget over all incomplete bodies of the server.
final class HTTP2Handler: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let connection: Connection
    let loop: HTTPLoop
    @exclusivity(unchecked) var session: OpaquePointer?
    @exclusivity(unchecked) var streams = HTTP2StreamTable()
    /// The stream that was looked up last, and its slot: head, body and end of a request mostly
    /// follow one another. 0: none.
    @exclusivity(unchecked) private var recentStream: (id: Int32, index: Int) = (0, 0)
    /// Refreshed at each read and each sweep.
    @exclusivity(unchecked) var now = NIODeadline.now()
    /// Inside `mem_recv`: nothing may be pumped.
    @exclusivity(unchecked) private(set) var isReceiving = false
    @exclusivity(unchecked) private var isPumping = false
    /// The session has ended or is to end; the connection is closed when all is written.
    @exclusivity(unchecked) private(set) var isFailed = false
    /// `mem_send` failed, for want of memory: not even a GOAWAY can be said.
    @exclusivity(unchecked) private var isBroken = false
    @exclusivity(unchecked) var output = ByteBuffer()
    @exclusivity(unchecked) private var boundaries = FrameBoundaries()
    @exclusivity(unchecked) var tokenShortcut = TokenShortcut()
    @exclusivity(unchecked) private var context: ChannelHandlerContext?
    private var isReadHeld = false
    /// Since when the socket has taken nothing.
    @exclusivity(unchecked) private(set) var blockedSince: NIODeadline?

    /// Since when a header block is open, and the slot of its stream. Only one can be open.
    @exclusivity(unchecked) var headerBlockSince: NIODeadline?
    @exclusivity(unchecked) var headerBlockStream: Int?
    /// Its request, which the stream's slot keeps alive; nil if its fields are not kept.
    @exclusivity(unchecked) unowned(unsafe) var headerBlockRequest: RequestBuffer?
    /// Streams with a body that is still coming, or going out: only they have deadlines.
    @exclusivity(unchecked) var incompleteCount = 0
    @exclusivity(unchecked) var sendingCount = 0
    var resets = RateWindow()
    var streamErrors = RateWindow()
    var controlFrames = RateWindow()
    @exclusivity(unchecked) var emptyDataFrames = 0
    var drainState = DrainState.none

    enum DrainState { case none, noticed, final }

    /// One write carries at most about this many bytes, so that no connection keeps the loop.
    static let writeBytesMax = 128 << 10
    /// Frames that may wait in nghttp2 before we stop reading more from the peer.
    private static let queuedFramesMax = 512

    init(connection: Connection) {
        self.connection = connection
        loop = connection.loop
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        session = HTTP2Session.make(
            configuration: loop.configuration, user: Unmanaged.passUnretained(self).toOpaque())
        guard session != nil else {
            // No memory for a session: this connection cannot be served.
            connection.closeNow()
            return
        }
        pump()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deleteSession()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        deleteSession()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket or TLS error: nothing more can be said to this peer.
        context.close(promise: nil)
    }

    private func deleteSession() {
        guard let session else { return }
        self.session = nil
        nghttp2_session_del(session)
        // session_del closes no stream through the callback.
        for index in streams.indices {
            if let request = streams[index].request { loop.recycle(request) }
        }
        streams = HTTP2StreamTable()
        recentStream.id = 0
        headerBlockRequest = nil
        incompleteCount = 0
        sendingCount = 0
    }

    /// The slot of a stream; nil if it has none, or is closed.
    func slot(of id: Int32, _ session: OpaquePointer?) -> Int? {
        if id == recentStream.id, id != 0 { return recentStream.index }
        let user = nghttp2_session_get_stream_user_data(session, id)
        guard let index = HTTP2StreamTable.index(user) else { return nil }
        recentStream = (id, index)
        return index
    }

    func noteStream(_ id: Int32, in index: Int) {
        recentStream = (id, index)
    }

    func forgetStream(in index: Int) {
        if recentStream.index == index { recentStream.id = 0 }
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard let session, !isFailed, !connection.isLingering else { return }
        now = .now()
        connection.lastReadAt = now
        loop.counters.bytesReceived.bump(buffer.readableBytes)
        isReceiving = true
        let result = buffer.withUnsafeReadableBytes { receive($0, session) }
        isReceiving = false
        if result < 0 {
            fail(HTTP2Session.goAwayCode(for: Int32(result)))
        }
    }

    /// Gives all bytes to nghttp2, but for tokens that it has decoded before.
    private func receive(_ bytes: UnsafeRawBufferPointer, _ session: OpaquePointer) -> Int {
        var position = 0
        var givenCount = 0
        while let headers = boundaries.nextHeaders(in: bytes, from: &position) {
            let look = tokenShortcut.look(at: headers, in: bytes)
            if look == .nothing { continue }
            // First what came before, so that no other block is read while the shortcut is armed.
            let before = UnsafeRawBufferPointer(rebasing: bytes[givenCount..<headers.start])
            var result = give(before, session)
            if result >= 0 { result = give(headers, look, in: bytes, session) }
            if result < 0 { return result }
            givenCount = headers.end
        }
        return give(UnsafeRawBufferPointer(rebasing: bytes[givenCount...]), session)
    }

    private func give(
        _ headers: FrameBoundaries.HeadersFrame, _ look: TokenShortcut.Look,
        in bytes: UnsafeRawBufferPointer, _ session: OpaquePointer
    ) -> Int {
        defer { tokenShortcut.end() }
        switch look {
        case .nothing: break
        case .unknown(let place): tokenShortcut.learn(place, of: headers, in: bytes)
        case .known(let place):
            tokenShortcut.shorten(place, of: headers, in: bytes, to: &loop.frameScratch)
            return loop.frameScratch.withUnsafeBytes { give($0, session) }
        }
        return give(UnsafeRawBufferPointer(rebasing: bytes[headers.start..<headers.end]), session)
    }

    private func give(_ bytes: UnsafeRawBufferPointer, _ session: OpaquePointer) -> Int {
        guard bytes.count > 0 else { return 0 }
        return nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pump()
        loop.finishResponses()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
    }

    /// A peer that does not take our answers is not read either, once enough of them wait.
    func read(context: ChannelHandlerContext) {
        if blockedSince != nil, let session,
            nghttp2_session_get_outbound_queue_size(session) > Self.queuedFramesMax
        {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    // MARK: Out

    /// Writes all that nghttp2 has to say, as far as the socket takes it.
    func pump() {
        guard !isReceiving, !isPumping, let context else { return }
        isPumping = true
        defer { isPumping = false }
        while let session {
            guard context.channel.isWritable else {
                if blockedSince == nil { blockedSince = .now() }
                return
            }
            gather(from: session)
            if output.readableBytes == 0 { break }
            loop.counters.bytesSent.bump(output.readableBytes)
            context.writeAndFlush(wrapOutboundOut(output), promise: nil)
            output.clear()
        }
        // The write above may have closed the channel, and the session with it.
        if isBroken {
            connection.closeNow()
        } else if let session, nghttp2_session_want_read(session) == 0,
            nghttp2_session_want_write(session) == 0
        {
            connection.closeLingering()
        }
    }

    private func gather(from session: OpaquePointer) {
        while output.readableBytes < Self.writeBytesMax {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            if count > 0 {
                output.writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
                continue
            }
            if count < 0 { isBroken = true }
            return
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            blockedSince = nil
            pump()
            if isReadHeld {
                isReadHeld = false
                context.read()
            }
        } else if blockedSince == nil {
            blockedSince = .now()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: End

    /// Says why in a GOAWAY, and closes once it is written. Not for use inside a callback, which
    /// returns `abort` instead.
    func fail(_ code: nghttp2_error_code) {
        guard let session, !isFailed else { return }
        isFailed = true
        if code != NGHTTP2_NO_ERROR { loop.counters.protocolErrors.bump() }
        nghttp2_session_terminate_session(session, code.rawValue)
        loop.touch(connection)
    }
}
