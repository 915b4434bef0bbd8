import CNGHTTP2
import NIOCore

extension HTTP2Handler {
    /// Answers without a body. A stream that is gone or answered already is left alone.
    func respond(stream id: UInt32, status: Int) {
        guard let session, let index = openStream(id) else { return }
        streams[index].isAnswered = true
        loop.headers.withBareFields(status: status) { fields in
            submit(session, Int32(id), fields, body: nil)
        }
    }

    func respond(stream id: UInt32, _ response: HTTPResponse) {
        guard session != nil, let index = openStream(id) else { return }
        answer(index, response)
    }

    /// Answers before the request is complete, and drops the rest of it. Once the answer is out,
    /// the stream is reset with NO_ERROR (RFC 9113, 8.1).
    func refuse(_ index: Int, _ problem: ProtocolProblem) {
        guard !streams[index].isAnswered else { return }
        streams[index].isRefused = true
        // The slot lets go of it: an open header block must too.
        if headerBlockStream == index { headerBlockRequest = nil }
        if let request = streams[index].request {
            streams[index].request = nil
            loop.recycle(request)
        }
        answer(index, problem.response)
    }

    func submitContinue(_ index: Int) {
        guard let session else { return }
        loop.headers.withContinueField { field in
            _ = nghttp2_submit_headers(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), streams[index].id, nil, field, 1, nil)
        }
    }

    private func openStream(_ id: UInt32) -> Int? {
        let user = nghttp2_session_get_stream_user_data(session, Int32(bitPattern: id))
        guard let index = HTTP2StreamTable.index(user), !streams[index].isAnswered else {
            return nil
        }
        return index
    }

    private func answer(_ index: Int, _ whole: HTTPResponse) {
        guard let session else { return }
        streams[index].isAnswered = true
        var response = whole
        if response.body.count > ResponseHold.uncountedBytes, !streams[index].isHead {
            streams[index].responseHold = ResponseHold(response.body.count, on: loop)
            if streams[index].responseHold == nil {
                response = ProtocolProblem.answersWait.response
            }
        }
        let id = streams[index].id
        let hasBody = !streams[index].isHead && !response.body.isEmpty && response.mayHaveBody
        if hasBody {
            streams[index].responseBody = response.body
            streams[index].progressAt = now
            sendingCount += 1
        }
        loop.headers.withFields(of: response) { fields in
            if hasBody {
                var provider = nghttp2_data_provider()
                provider.read_callback = HTTP2Callbacks.bodyRead
                submit(session, id, fields, body: &provider)
            } else {
                submit(session, id, fields, body: nil)
            }
        }
    }

    private func submit(
        _ session: OpaquePointer, _ id: Int32, _ fields: UnsafeBufferPointer<nghttp2_nv>,
        body: UnsafeMutablePointer<nghttp2_data_provider>?
    ) {
        let result = nghttp2_submit_response(session, id, fields.baseAddress, fields.count, body)
        if result != 0 {
            // Only for want of memory: the client must not wait for ever.
            nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_INTERNAL_ERROR.rawValue)
        }
    }

    // MARK: Bodies, inside mem_send

    func nextDataCount(
        room: Int, flags: UnsafeMutablePointer<UInt32>, stream index: Int
    ) -> ssize_t {
        let rest = streams[index].responseBody.count - streams[index].responseOffset
        let count = min(room, rest)
        flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if count == rest { flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
        return count
    }

    /// Writes a DATA frame: nine bytes of header from nghttp2, then the body's bytes. Without
    /// padding, since no padding callback is set.
    func sendData(header: UnsafePointer<UInt8>, count: Int, stream index: Int) -> Int32 {
        // mem_send goes on through data frames without coming back: this is what ends a turn.
        if output.readableBytes >= Self.writeBytesMax {
            return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue)
        }
        let start = streams[index].responseOffset
        output.writeBytes(UnsafeRawBufferPointer(start: header, count: 9))
        output.writeBytes(streams[index].responseBody[start..<start + count])
        streams[index].responseOffset = start + count
        streams[index].progressAt = .now()
        if !streams[index].isSendingBody { sendingCount -= 1 }
        return 0
    }

    func didSend(_ frame: UnsafePointer<nghttp2_frame>, _ session: OpaquePointer?) -> Int32 {
        let header = frame.pointee.hd
        switch header.type {
        case UInt8(NGHTTP2_RST_STREAM.rawValue):
            let code = frame.pointee.rst_stream.error_code
            if code != NGHTTP2_NO_ERROR.rawValue, !isFailed { countStreamError(session) }
        case UInt8(NGHTTP2_DATA.rawValue), UInt8(NGHTTP2_HEADERS.rawValue):
            guard incompleteCount > 0,
                header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            else { break }
            let user = nghttp2_session_get_stream_user_data(session, header.stream_id)
            if let index = HTTP2StreamTable.index(user), !streams[index].isComplete {
                nghttp2_submit_rst_stream(
                    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), header.stream_id,
                    NGHTTP2_NO_ERROR.rawValue)
            }
        default:
            break
        }
        return 0
    }

    private func countStreamError(_ session: OpaquePointer?) {
        let most = loop.configuration.streamErrorsMax
        guard streamErrors.exceeds(most, in: loop.limits.abuseWindow, now: now) else { return }
        loop.counters.protocolErrors.bump()
        nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
    }
}
