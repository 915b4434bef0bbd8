import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HTTP

@Suite("WebSockets and the end of their event loop")
struct WebSocketStopTests {
    @Test("a stop waits for a decision that is pending, and closes what it accepts with 1001")
    func acceptedDuringStop() async throws {
        try await withServer { test in
            let program = try startPython(
                """
                from websockets.sync.client import connect as ws
                client = ws(f"ws://127.0.0.1:{PORT}/ws/later", open_timeout=None)
                print(list(client), client.protocol.close_code)
                """, port: test.port)
            try await eventually("it is asked") { test.handler.undecidedCount == 1 }
            async let stop: Void = test.server.shutdownGracefully(deadlineSeconds: 100)
            try await drainBegins(test.server.loops[0])
            test.handler.decide()
            await stop
            let result = await program.finish()
            #expect(result.output == "[] 1001\n", "\(result.errors)")
            #expect(test.handler.lateServices == 1)
        }
    }

    @Test("a stop waits for a decision whose client has left, and no service comes of it")
    func clientLeft() async throws {
        try await withServer { test in
            let program = try startPython(
                webSocketPrelude + """
                    sock = connect()
                    sock.sendall(handshake_request("/ws/later"))
                    wait_for_test()
                    # A reset: the server notices it though it reads nothing.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.close()
                    """, port: test.port)
            try await eventually("it is asked") { test.handler.undecidedCount == 1 }
            program.proceed()
            #expect(await program.finish().status == 0)
            try await eventually("it has left") { test.server.statistics.connectionsOpen == 0 }
            async let stop: Void = test.server.shutdownGracefully(deadlineSeconds: 100)
            // Seen from the loop, which would be gone by now if nothing held the stop up.
            try await drainBegins(test.server.loops[0])
            test.handler.decide()
            await stop
            try await eventually("it is let go") { test.handler.lateDecisionsGone == 1 }
            #expect(test.handler.lateServices == 0)
        }
    }

    @Test("a decision that outlives its event loop is dropped, and leaves nothing behind")
    func decidedTooLate() async throws {
        try await withServer { test in
            let program = try startPython(
                webSocketPrelude + """
                    print(talk(handshake_request("/ws/later")))
                    """, port: test.port)
            try await eventually("it is asked") { test.handler.undecidedCount == 1 }
            await test.server.shutdownGracefully(deadlineSeconds: 0)
            let result = await program.finish()
            #expect(result.output == "b''\n", "\(result.errors)")
            test.handler.decide()
            try await eventually("it is let go") { test.handler.lateDecisionsGone == 1 }
            #expect(test.handler.lateServices == 0)
        }
    }

    @Test("a service that sends on while its server is stopped by force is told that all is closed")
    func sendsDuringStop() async throws {
        try await withServer { test in
            let program = try startPython(
                webSocketPrelude + """
                    read_all(handshake("/ws/push"))
                    """, port: test.port)
            try await eventually("it sends") { test.server.statistics.webSocketsOpen == 1 }
            await test.server.shutdownGracefully(deadlineSeconds: 0)
            try await eventually("it is told") { test.handler.webSocketEnds == [.closed] }
            #expect(await program.finish().status == 0)
        }
    }

    @Test("who asks a connection whose event loop has stopped gets an answer, and does not hang")
    func afterTheLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = HTTPLoop(
            index: 0, eventLoop: group.next(), configuration: HTTPConfiguration(),
            handler: TestHandler(), limiter: ConnectionLimiter(total: 1, perAddress: 1))
        let channel = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let connections = try await loop.eventLoop.submit {
            (0..<3).map { _ in Self.connection(on: loop, channel) }
        }.get()
        try await loop.eventLoop.flatSubmit { loop.drain(until: .now()) }.get()
        try await group.shutdownGracefully()
        await #expect(throws: WebSocketError.closed) {
            try await connections[0].send(text: Array("late".utf8))
        }
        #expect(await connections[1].nextMessage() == nil)
        await connections[2].close()
        #expect(connections.allSatisfy { $0.isClosed })
    }

    /// One that is open in its own eyes: as if the loop stopped right after its service looked.
    private static func connection(
        on loop: HTTPLoop, _ channel: any Channel
    ) -> WebSocketConnection {
        let connection = Connection(
            loop: loop, channel: channel, slot: 0, generation: 0, remoteAddress: "", isTLS: false)
        return WebSocketConnection(
            handler: WebSocketHandler(connection: connection, receivesMessages: true), loop: loop,
            remoteAddress: "")
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Waits until the stop has reached the event loop. Never happens on one that has nothing to
    /// wait for: it is gone as soon as it drains.
    private func drainBegins(_ loop: HTTPLoop) async throws {
        let flag = Flag()
        try await eventually("the event loop drains") {
            loop.execute { if loop.isDraining { flag.isSet.store(true, ordering: .releasing) } }
            return flag.isSet.load(ordering: .acquiring)
        }
    }
}
