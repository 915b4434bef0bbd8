import CNGHTTP2

/// The table of C functions that nghttp2 calls during `mem_recv` and `mem_send`.
///
/// Each finds its handler in the session's user data, unretained: the handler owns the session and
/// deletes it before it goes, and no callback runs outside the handler's own calls. Built in a
/// nonisolated function: closures at the top level of a program belong to the main actor and trap.
struct HTTP2Callbacks: @unchecked Sendable {
    /// Read-only after it is made, hence `@unchecked Sendable`; shared by all sessions. Nil only
    /// when there was no memory for it.
    static let shared = HTTP2Callbacks()

    let table: OpaquePointer?

    private init() {
        var made: OpaquePointer?
        guard nghttp2_session_callbacks_new(&made) == 0, let made else {
            table = nil
            return
        }
        Self.setReceiving(made)
        Self.setSending(made)
        table = made
    }

    private static func setReceiving(_ table: OpaquePointer) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(table) { session, frame, user in
            guard let frame, let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.beginHeaders(frame, session) }
        }
        nghttp2_session_callbacks_set_on_begin_frame_callback(table) { _, header, user in
            guard let header, let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.beginFrame(header) }
        }
        nghttp2_session_callbacks_set_on_header_callback(table) {
            _, frame, name, nameCount, value, valueCount, _, user in
            guard let frame, let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) {
                $0.receiveHeader(
                    UnsafeRawBufferPointer(start: name, count: nameCount),
                    UnsafeRawBufferPointer(start: value, count: valueCount),
                    stream: frame.pointee.hd.stream_id)
            }
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(table) { session, frame, user in
            guard let frame, let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.receiveFrame(frame, session) }
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
            session, _, stream, bytes, count, user in
            guard let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) {
                $0.receiveData(
                    UnsafeRawBufferPointer(start: bytes, count: count), session,
                    stream: $0.slot(of: stream, session))
            }
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) { _, _, _, user in
            guard let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.receiveInvalidFrame() }
        }
    }

    private static func setSending(_ table: OpaquePointer) {
        nghttp2_session_callbacks_set_on_stream_close_callback(table) {
            session, stream, _, user in
            guard let user else { return 0 }
            let index = nghttp2_session_get_stream_user_data(session, stream)
            guard let index = HTTP2StreamTable.index(index) else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.closeStream(index) }
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(table) { session, frame, user in
            guard let frame, let user else { return 0 }
            return HTTP2Callbacks.withHandler(user) { $0.didSend(frame, session) }
        }
        nghttp2_session_callbacks_set_send_data_callback(table) {
            session, frame, header, count, _, user in
            guard let frame, let header, let user else { return 0 }
            let index = nghttp2_session_get_stream_user_data(session, frame.pointee.hd.stream_id)
            guard let index = HTTP2StreamTable.index(index) else {
                return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            }
            return HTTP2Callbacks.withHandler(user) {
                $0.sendData(header: header, count: count, stream: index)
            }
        }
    }

    /// How much of the body the next DATA frame takes; `sendData` then copies it straight into the
    /// outgoing buffer.
    static let bodyRead: nghttp2_data_source_read_callback = {
        session, stream, _, room, flags, _, user in
        let failed = ssize_t(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        guard let user, let flags else { return failed }
        let index = nghttp2_session_get_stream_user_data(session, stream)
        guard let index = HTTP2StreamTable.index(index) else { return failed }
        return HTTP2Callbacks.withHandler(user) {
            $0.nextDataCount(room: room, flags: flags, stream: index)
        }
    }

    @inline(__always)
    private static func withHandler<R>(
        _ user: UnsafeMutableRawPointer, _ body: (HTTP2Handler) -> R
    ) -> R {
        Unmanaged<HTTP2Handler>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
    }
}
