import HTTP
import NIOCore
import Synchronization

/// Answers by path, so that each test reads as what a client asks for:
///
///     /event   204 at once                /hold    answered when the test says so
///     /echo    what was asked, as headers, and the body
///     /big     a body of `bigBytes`       /inject  a response that must not get out
///     /twice   answers twice              /ws…     WebSockets
final class TestHandler: HTTPHandler {
    static let bigBytes = 5 << 20

    private struct Held {
        var tokens: [(token: ResponseToken, loop: HTTPLoop)] = []
        var webSocketEnds: [WebSocketError?] = []
        var requests: [HTTPRequest] = []
        var cancelled = 0
        var undecided: [CheckedContinuation<Void, Never>] = []
        var lateServices = 0
        var lateDecisionsGone = 0
    }

    private let held = Mutex(Held())
    let big = [UInt8](
        (0..<TestHandler.bigBytes).lazy.map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })

    var heldCount: Int { held.withLock { $0.tokens.count } }
    var webSocketEnds: [WebSocketError?] { held.withLock { $0.webSocketEnds } }
    var cancelledServices: Int { held.withLock { $0.cancelled } }
    var requests: [HTTPRequest] { held.withLock { $0.requests } }
    /// How many wait at `/ws/later` for `decide()`.
    var undecidedCount: Int { held.withLock { $0.undecided.count } }
    /// Services of `/ws/later` that ran.
    var lateServices: Int { held.withLock { $0.lateServices } }
    /// Decisions of `/ws/later` of which nothing can come any more.
    var lateDecisionsGone: Int { held.withLock { $0.lateDecisionsGone } }

    func handle(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, on loop: HTTPLoop
    ) {
        let path = String(decoding: request.path.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
        switch path {
        case "/event":
            loop.respond(token, status: 204)
        case "/echo":
            loop.respond(token, echo(request))
        case "/big":
            loop.respond(token, HTTPResponse(status: 200, body: big))
        case "/inject":
            let forged = ("x-note", "a\r\nx-forged: 1")
            loop.respond(token, HTTPResponse(status: 200, headers: [forged]))
        case "/twice":
            loop.respond(token, status: 204)
            loop.respond(token, HTTPResponse(status: 500))
        case "/hold":
            held.withLock { $0.tokens.append((token, loop)) }
        default:
            loop.respond(token, status: 404)
        }
    }

    private func echo(_ request: borrowing HTTPRequestView) -> HTTPResponse {
        let copy = request.copied()
        held.withLock { $0.requests.append(copy) }
        func text(_ bytes: UnsafeRawBufferPointer?) -> String {
            bytes.map { String(decoding: $0, as: UTF8.self) } ?? "-"
        }
        return HTTPResponse(
            status: 200,
            headers: [
                ("X-Version", request.isHTTP2 ? "2" : "1.1"), ("x-tls", "\(request.isTLS)"),
                ("x-method", request.method.rawValue), ("x-path", copy.path),
                ("x-query", copy.query), ("x-host", copy.header("host") ?? "-"),
                ("x-authorization", text(request.authorization)),
                ("x-content-type", text(request.contentType)), ("x-accept", text(request.accept)),
                ("x-schema-ref", text(request.schemaRef)), ("x-schema-id", text(request.schemaId)),
                ("x-serialization", text(request.serializationType)),
                ("x-address", copy.remoteAddress),
            ],
            body: copy.body)
    }

    /// Answers every held request, as a commit thread would: one hop for each loop, one write for
    /// each connection. Each is answered with its number in the order of arrival.
    func release() {
        let tokens = held.withLock { held in
            defer { held.tokens = [] }
            return held.tokens
        }
        for (number, held) in tokens.enumerated() {
            held.loop.submit(held.token, HTTPResponse(status: 200, body: Array("\(number)".utf8)))
        }
    }

    func webSocketRequested(_ request: HTTPRequest) async -> WebSocketDecision {
        switch request.path {
        case "/ws/echo":
            return .accept(receivesMessages: true) { socket in
                while let message = await socket.nextMessage() {
                    guard case .text(let text) = message else { continue }
                    do { try await socket.send(text: text) } catch { return }
                }
            }
        case "/ws/lines":
            return .accept { socket in
                do { try await socket.send(lines: Array("one\n\ntwo\nthree".utf8)) } catch {}
            }
        case "/ws/push":
            return .accept { socket in await self.push(to: socket) }
        case "/ws/idle":
            return .accept { socket in
                while await socket.nextMessage() != nil {}
                while !socket.isClosed { await Task.yield() }
            }
        case "/ws/sleep":
            return .accept { _ in
                // Ends by cancellation only: the closing of the connection must bring it.
                do { try await Task.sleep(for: .seconds(3600)) } catch {
                    self.held.withLock { $0.cancelled += 1 }
                }
            }
        case "/ws/later":
            return await decideLater()
        default:
            return .reject(HTTPResponse(status: 403, body: Array("no".utf8)))
        }
    }

    /// Accepts when the test says so, whatever becomes of the connection meanwhile.
    private func decideLater() async -> WebSocketDecision {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            held.withLock { $0.undecided.append(continuation) }
        }
        let decision = LateDecision(handler: self)
        return .accept { _ in decision.serve() }
    }

    /// Lets every decision of `/ws/later` that is open be made.
    func decide() {
        let undecided = held.withLock { held in
            defer { held.undecided = [] }
            return held.undecided
        }
        for continuation in undecided { continuation.resume() }
    }

    /// Lives for as long as something may still come of the decision.
    private final class LateDecision: Sendable {
        private let handler: TestHandler

        init(handler: TestHandler) { self.handler = handler }

        deinit { handler.held.withLock { $0.lateDecisionsGone += 1 } }

        func serve() { handler.held.withLock { $0.lateServices += 1 } }
    }

    /// Sends without end, until the connection refuses.
    private func push(to socket: WebSocketConnection) async {
        let lines = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000) + [UInt8(ascii: "\n")]
        do throws(WebSocketError) {
            while true { try await socket.send(lines: lines) }
        } catch {
            held.withLock { $0.webSocketEnds.append(error) }
        }
    }
}
