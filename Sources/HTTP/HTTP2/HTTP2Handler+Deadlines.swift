import CNGHTTP2
import NIOCore

extension HTTP2Handler {
    /// Ends what is late. Called by the loop's sweep, which flushes afterwards.
    func checkDeadlines(_ now: NIODeadline) {
        guard session != nil else { return }
        self.now = now
        let limits = loop.limits
        if let blockedSince, now - blockedSince > limits.stallTimeout {
            loop.counters.timeouts.bump()
            connection.closeNow()
            return
        }
        if let headerBlockSince, now - headerBlockSince > limits.headerTimeout {
            loop.counters.timeouts.bump()
            fail(NGHTTP2_ENHANCE_YOUR_CALM)
            return
        }
        if incompleteCount > 0 || sendingCount > 0 { checkStreams() }
        if streams.openCount == 0, now - connection.lastReadAt > limits.idleTimeout {
            loop.counters.timeouts.bump()
            fail(NGHTTP2_NO_ERROR)
        } else if now - connection.acceptedAt > limits.connectionAgeMax {
            drain()
        }
    }

    private func checkStreams() {
        guard let session else { return }
        for index in streams.indices where streams[index].id != 0 {
            let stream = streams[index]
            if stream.isSendingBody {
                // A stream that has credit waits for its turn, or for the socket, which is watched
                // as a whole: only one without credit waits for the client.
                guard isWithoutCredit(stream.id, session) else {
                    streams[index].progressAt = now
                    continue
                }
                guard now - stream.progressAt > loop.limits.stallTimeout else { continue }
                loop.counters.timeouts.bump()
                nghttp2_submit_rst_stream(
                    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id,
                    NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
                loop.touch(connection)
            } else if !stream.isComplete, !stream.isRefused, let request = stream.request,
                stream.startedAt != .distantPast,
                loop.limits.isTooSlow(
                    count: request.body.count, since: stream.startedAt, now: now)
            {
                loop.counters.timeouts.bump()
                refuse(index, .bodyTooSlow)
                loop.touch(connection)
            }
        }
    }

    private func isWithoutCredit(_ id: Int32, _ session: OpaquePointer) -> Bool {
        nghttp2_session_get_stream_remote_window_size(session, id) <= 0
            || nghttp2_session_get_remote_window_size(session) <= 0
    }

    /// Graceful end in two steps (RFC 9113, 6.8): a GOAWAY that refuses nothing yet, then, when
    /// requests under way have had time to arrive, one that names the last we take. nghttp2 wants
    /// nothing more once those are answered, and `pump` then closes.
    func drain() {
        guard drainState == .none, let session else { return }
        drainState = .noticed
        nghttp2_submit_shutdown_notice(session)
        loop.touch(connection)
        loop.eventLoop.assumeIsolated().scheduleTask(in: loop.limits.goAwayNotice) {
            self.finishDrain()
            self.loop.finishResponses()
        }
        if !isReceiving { pump() }
    }

    private func finishDrain() {
        guard drainState == .noticed, let session else { return }
        drainState = .final
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
            nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR.rawValue, nil, 0)
        loop.touch(connection)
    }
}
