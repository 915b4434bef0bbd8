import CNGHTTP2

/// Makes nghttp2 sessions with our limits, and reads nghttp2's results.
enum HTTP2Session {
    /// Credit for all streams of a connection together. It comes back as bytes arrive, so its size
    /// only sets how much can be on the way: 16 MiB is 1 Gbit/s at 128 ms.
    private static let connectionWindow: Int32 = 16 << 20

    /// Nil when there is no memory. The caller deletes the session.
    static func make(
        configuration: HTTPConfiguration, user: UnsafeMutableRawPointer
    ) -> OpaquePointer? {
        guard let callbacks = HTTP2Callbacks.shared.table else { return nil }
        var option: OpaquePointer?
        guard nghttp2_option_new(&option) == 0, let option else { return nil }
        defer { nghttp2_option_del(option) }
        nghttp2_option_set_no_auto_window_update(option, 1)
        nghttp2_option_set_no_closed_streams(option, 1)
        nghttp2_option_set_max_continuations(option, configuration.continuationsMax)
        nghttp2_option_set_max_outbound_ack(option, configuration.outboundAcksMax)
        // Our own count answers with ENHANCE_YOUR_CALM; the library's stands behind it.
        let window = max(1, Int(configuration.abuseWindowSeconds))
        nghttp2_option_set_stream_reset_rate_limit(
            option, UInt64(configuration.resetsMax + 64),
            UInt64(max(1, configuration.resetsMax / window)))

        var session: OpaquePointer?
        guard nghttp2_session_server_new2(&session, callbacks, user, option) == 0, let session
        else { return nil }
        if submitSettings(session, configuration) { return session }
        nghttp2_session_del(session)
        return nil
    }

    private static func submitSettings(
        _ session: OpaquePointer, _ configuration: HTTPConfiguration
    ) -> Bool {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
        }
        let settings = [
            entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, configuration.streamsPerConnectionMax),
            // Room beyond the limit, so that a longer body is noticed and refused, not stuck.
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, configuration.bodyBytesMax + 65_536),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, configuration.headerListBytesMax),
            entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        return nghttp2_submit_settings(session, flags, settings, settings.count) == 0
            && nghttp2_session_set_local_window_size(session, flags, 0, connectionWindow) == 0
    }

    /// What a fatal result of `mem_recv` is called on the wire.
    static func goAwayCode(for result: Int32) -> nghttp2_error_code {
        switch result {
        case Int32(NGHTTP2_ERR_FLOODED.rawValue), HTTP2Handler.abort: NGHTTP2_ENHANCE_YOUR_CALM
        case Int32(NGHTTP2_ERR_NOMEM.rawValue): NGHTTP2_INTERNAL_ERROR
        default: NGHTTP2_PROTOCOL_ERROR
        }
    }
}
