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
    }

    private let held = Mutex(Held())
    let big = [UInt8](
        (0..<TestHandler.bigBytes).lazy.map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })

    var heldCount: Int { held.withLock { $0.tokens.count } }
    var webSocketEnds: [WebSocketError?] { held.withLock { $0.webSocketEnds } }
    var cancelledServices: Int { held.withLock { $0.cancelled } }
    var requests: [HTTPRequest] { held.withLock { $0.requests } }

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
        default:
            return .reject(HTTPResponse(status: 403, body: Array("no".utf8)))
        }
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
