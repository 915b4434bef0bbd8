import CNGHTTP2
import NIOCore

/// What nghttp2 tells about the peer. All of this runs inside `mem_recv`.
extension HTTP2Handler {
    /// Ends `mem_recv` at once; the connection is then closed with ENHANCE_YOUR_CALM.
    static let abort = Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

    func beginHeaders(_ frame: UnsafePointer<nghttp2_frame>, _ session: OpaquePointer?) -> Int32 {
        headerBlockSince = now
        let id = frame.pointee.hd.stream_id
        guard frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else {
            // Of trailers nothing is kept once the request is answered, or broke a limit.
            headerBlockStream = slot(of: id, session)
            headerBlockRequest = headerBlockStream.flatMap {
                streams[$0].hasTooManyHeaders ? nil : streams[$0].request
            }
            return 0
        }
        let index = streams.open(id: id)
        let request = loop.takeBuffer()
        headerBlockStream = index
        headerBlockRequest = request
        streams[index].request = request
        nghttp2_session_set_stream_user_data(session, id, HTTP2StreamTable.userData(index))
        noteStream(id, in: index)
        return 0
    }

    func receiveHeader(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, stream id: Int32
    ) -> Int32 {
        if name.count == 13, name.matches("authorization") {
            tokenShortcut.noteReport(value, stream: id)
            if tokenShortcut.isPlaceholder(value, stream: id) {
                return tokenShortcut.withToken { keepHeader(name, $0) }
            }
        }
        return keepHeader(name, value)
    }

    private func keepHeader(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Int32 {
        guard let request = headerBlockRequest else { return 0 }
        let size = name.count + value.count + 32
        if request.fieldListBytes + size > loop.configuration.headerListBytesMax
            || request.fieldCount >= loop.configuration.headerFieldsMax
        {
            if let index = headerBlockStream { streams[index].hasTooManyHeaders = true }
            headerBlockRequest = nil
            return 0
        }
        request.add(name: name, value: value)
        return 0
    }

    func receiveFrame(_ frame: UnsafePointer<nghttp2_frame>, _ session: OpaquePointer?) -> Int32 {
        let header = frame.pointee.hd
        let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch header.type {
        case UInt8(NGHTTP2_DATA.rawValue):
            if endsStream {
                complete(session, header.stream_id)
            } else if header.length == frame.pointee.data.padlen {
                emptyDataFrames += 1
                if emptyDataFrames > loop.configuration.emptyDataFramesMax { return Self.abort }
            }
        case UInt8(NGHTTP2_HEADERS.rawValue):
            headerBlockSince = nil
            headerBlockRequest = nil
            if frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
                receiveHead(session, header.stream_id, endsStream: endsStream)
            } else if endsStream {
                completeAfterTrailers(session, header.stream_id)
            }
        case UInt8(NGHTTP2_RST_STREAM.rawValue):
            loop.counters.streamResets.bump()
            let configuration = loop.configuration
            if resets.exceeds(configuration.resetsMax, in: loop.limits.abuseWindow, now: now) {
                return Self.abort
            }
        default:
            break
        }
        return 0
    }

    /// Counts the frames that belong to no request or answer, PRIORITY too, which nghttp2 ignores
    /// without a further word. Of frame types that it does not know it says nothing at all: they
    /// cost their bytes, and neither memory nor an answer.
    func beginFrame(_ header: UnsafePointer<nghttp2_frame_hd>) -> Int32 {
        switch header.pointee.type {
        case UInt8(NGHTTP2_DATA.rawValue), UInt8(NGHTTP2_HEADERS.rawValue),
            UInt8(NGHTTP2_WINDOW_UPDATE.rawValue), UInt8(NGHTTP2_RST_STREAM.rawValue),
            UInt8(NGHTTP2_CONTINUATION.rawValue):
            return 0
        case UInt8(NGHTTP2_PING.rawValue), UInt8(NGHTTP2_SETTINGS.rawValue):
            let isAnswer = header.pointee.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
            return isAnswer ? 0 : countControlFrame()
        default:
            return countControlFrame()
        }
    }

    func receiveData(
        _ bytes: UnsafeRawBufferPointer, _ session: OpaquePointer?, stream index: Int?
    ) -> Int32 {
        emptyDataFrames = 0
        // The connection's credit goes back whatever becomes of the bytes: other streams need it.
        nghttp2_session_consume_connection(session, bytes.count)
        guard let index, !streams[index].isRefused, let request = streams[index].request else {
            return 0
        }
        if request.body.count + bytes.count > loop.configuration.bodyBytesMax {
            refuse(index, .bodyTooLarge)
        } else if loop.reserveBody(bytes.count) {
            request.appendBody(bytes)
        } else {
            refuse(index, .overloaded)
        }
        return 0
    }

    /// nghttp2 answers an invalid frame with a reset or GOAWAY itself; we count.
    func receiveInvalidFrame() -> Int32 {
        headerBlockSince = nil
        headerBlockRequest = nil
        loop.counters.protocolErrors.bump()
        return 0
    }

    func closeStream(_ index: Int) -> Int32 {
        let stream = streams[index]
        if stream.startedAt != .distantPast, !stream.isComplete { incompleteCount -= 1 }
        if stream.isSendingBody { sendingCount -= 1 }
        if let request = stream.request { loop.recycle(request) }
        if headerBlockStream == index {
            headerBlockStream = nil
            headerBlockRequest = nil
        }
        forgetStream(in: index)
        streams.close(index)
        return 0
    }

    private func countControlFrame() -> Int32 {
        let most = loop.configuration.controlFramesMax
        return controlFrames.exceeds(most, in: loop.limits.abuseWindow, now: now) ? Self.abort : 0
    }

    // MARK: Requests

    private func receiveHead(_ session: OpaquePointer?, _ id: Int32, endsStream: Bool) {
        guard let index = slot(of: id, session), let request = streams[index].request else {
            return
        }
        streams[index].startedAt = now
        incompleteCount += 1
        let method = request.bytes(of: request.method)
        streams[index].isHead = method.matches("HEAD")
        if streams[index].hasTooManyHeaders {
            refuse(index, .headersTooLarge)
        } else if HTTPMethod(method) == nil {
            refuse(index, .methodUnknown)
        } else if !endsStream {
            expectBody(index, request, session)
        }
        if endsStream { complete(session, id) }
    }

    private func expectBody(_ index: Int, _ request: RequestBuffer, _ session: OpaquePointer?) {
        let length = request.bytes(of: request.contentLength).decimalNumber ?? 0
        if length > loop.configuration.bodyBytesMax {
            refuse(index, .bodyTooLarge)
            return
        }
        guard let expect = request.bytesIfPresent(request.expect) else { return }
        if expect.matchesIgnoringCase("100-continue") {
            submitContinue(index)
        } else {
            refuse(index, .expectationUnknown)
        }
    }

    /// A limit broken by the trailers ends the request too.
    private func completeAfterTrailers(_ session: OpaquePointer?, _ id: Int32) {
        if let index = slot(of: id, session), streams[index].hasTooManyHeaders,
            !streams[index].isAnswered
        {
            refuse(index, .headersTooLarge)
        }
        complete(session, id)
    }

    private func complete(_ session: OpaquePointer?, _ id: Int32) {
        guard let index = slot(of: id, session), !streams[index].isComplete else { return }
        streams[index].isComplete = true
        incompleteCount -= 1
        guard !streams[index].isRefused, let request = streams[index].request else { return }
        streams[index].request = nil
        guard let method = HTTPMethod(request.bytes(of: request.method)) else { return }
        loop.counters.requestsHTTP2.bump()
        let view = request.view(
            method: method, path: request.bytes(of: request.path), connection: connection,
            isHTTP2: true)
        loop.handler.handle(view, connection.token(stream: UInt32(id)), on: loop)
        loop.recycle(request)
    }
}
