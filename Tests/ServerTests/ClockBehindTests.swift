import Foundation
import Store
import Testing

@testable import Server

/// A clock that was ahead when clients and keys were made, or is behind now.
@Suite("Clients of a server whose clock went back")
struct ClockBehindTests {
    private static let made: Milliseconds = 1_795_000_000_000
    private static let minute: Milliseconds = 60_000

    private static func client(_ change: (inout ClientRecord) -> Void = { _ in }) -> ClientRecord {
        var client = ClientRecord(
            id: "c", role: .reader, scope: "demo-1", secretHash: "", createdAt: made)
        change(&client)
        return client
    }

    private static func claims(issued: Milliseconds) -> TokenClaims {
        TokenClaims(
            issuer: "i", audience: "a", clientID: "c", role: .reader, scope: "demo-1",
            issuedAtSeconds: issued / 1_000, expiresAtSeconds: issued / 1_000 + 600, tokenID: "t")
    }

    @Test(
        "a fresh token is good by a clock that is behind the client's making",
        arguments: [0, 1, 59, 60, 61, 3_600, 25 * 3_600, 400 * 86_400] as [Milliseconds])
    func behind(seconds: Milliseconds) {
        let now = Self.made - seconds * 1_000
        let fresh = Self.claims(issued: now)
        #expect(Authority.matches(Self.client(), fresh, now: now))
        #expect(!Authority.matches(Self.client { $0.isDisabled = true }, fresh, now: now))
        #expect(!Authority.matches(Self.client { $0.role = .auditor }, fresh, now: now))
        #expect(!Authority.matches(Self.client { $0.scope = "demo-2" }, fresh, now: now))
    }

    @Test("by a clock that is right a token from before its client's making is not good")
    func older() {
        for (age, isGood) in [(60_000, true), (61_000, false), (86_400_000, false)] {
            let token = Self.claims(issued: Self.made - Milliseconds(age))
            for now in [Self.made, Self.made - Self.minute, Self.made + 10 * Self.minute] {
                #expect(Authority.matches(Self.client(), token, now: now) == isGood, "\(age)")
            }
        }
    }

    @Test("a server whose clock went back still takes tokens, and its clock can be confirmed")
    func server() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let auditor = try await server.makeClient(.auditor)
            clock.advance(seconds: -25 * 3_600)
            let administrator = try await server.administrator()
            let token = try await server.token(auditor)
            let seen = try await server.client.get("/v1/audit/entries", token: token)
            #expect(seen.status == 200, "\(seen.text)")
            let refused = try await server.client.send(
                "POST", "/v1/clock/confirm", token: token)
            #expect(refused.status == 403)
            let confirmed = try await server.client.send(
                "POST", "/v1/clock/confirm", token: administrator)
            #expect((200..<300).contains(confirmed.status), "\(confirmed.text)")
        }
    }
}
