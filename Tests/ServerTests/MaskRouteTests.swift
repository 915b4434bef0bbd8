import Foundation
import Testing

@testable import Server

@Suite("Masks of derived streams on the wire")
struct MaskRouteTests {
    private static let mail = #"{"contract":"test/visit","field":"email"}"#
    private static let url =
        #"{"contract":"test/visit/1.0.0","field":"url","type":"murmur3","seed":42}"#

    private static func body(_ masks: String, levels: String = "[1,4]") -> String {
        #"{"derivedFrom":"demo","levels":\#(levels),"masks":\#(masks)}"#
    }

    @Test func `a derived stream shows its masks and never a seed, and reads as hashes`()
        async throws
    {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let owner = try await server.demo()
            let made = try await server.client.post(
                "/v1/streams", token: token, json: Self.body("[\(Self.mail),\(Self.url)]"))
            #expect(made.status == 201, "\(made.text)")
            let masks = try #require(made.json["masks"] as? [[String: Any]])
            #expect(masks.map { $0["type"] as? String } == ["hmac-sha256", "murmur3"])
            #expect(masks.map { $0["weak"] as? Bool } == [nil, true])
            let shown = try await server.client.get("/v1/streams/demo-1-4", token: token)
            #expect((shown.json["masks"] as? [Any])?.count == 2)
            for answer in [made, shown] {
                #expect(!answer.text.contains("seed"))
                // Ids and times may have the digits of the seed, members of a mask not.
                let members = (answer.json["masks"] as? [[String: Any]] ?? []).flatMap(\.values)
                #expect(!members.isEmpty && !members.contains { $0 as? Int == 42 })
            }
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            let approved = try await server.client.post(
                "/v1/streams/demo-1-4/approve", token: token,
                json: "{\"id\":\(made.json["id"] as? Int ?? -1)}")
            #expect(approved.status == 200 && approved.json["masks"] != nil)
            let client = try #require(made.json["client"] as? [String: String])
            let reader = try await server.token(
                client["clientId"] ?? "", client["clientSecret"] ?? "")
            let page = try await server.client.get("/v1/streams/demo-1-4/events", token: reader)
            #expect(page.status == 200, "\(page.text)")
            #expect(!page.text.contains("SMCANARY"))
            #expect(page.text.contains("session-1"))
            // mmh3.hash_bytes(b"https://shop.test/", 42).hex()
            #expect(page.text.contains("\"url\":\"2244d0fbbb4bc8634a29cde1f711e0d1\""))
        }
    }

    @Test func `a stream without masks shows none`() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            _ = try await server.demo()
            for masks in ["[]", "null"] {
                let made = try await server.client.post(
                    "/v1/streams", token: token,
                    json: Self.body(masks).replacing(
                        "{\"derived", with: "{\"name\":\"m\(masks.count)\",\"derived"))
                #expect(made.status == 201)
                #expect(made.json["masks"] == nil)
            }
        }
    }

    static let refused: [(String, String)] = [
        (body(#"[{"field":"email"}]"#), "/masks/0/contract"),
        (body(#"[{"contract":"test/visit"}]"#), "/masks/0/field"),
        (body(#"["email"]"#), "/masks/0"),
        (body(#"[{"contract":"test/visit","field":"email","salt":1}]"#), "/masks/0"),
        (body(#"[{"contract":"test/visit","field":"email","type":"md5"}]"#), "/masks/0/type"),
        (body(#"[{"contract":"test/visit","field":"email","seed":1}]"#), "/masks/0/seed"),
        (
            body(#"[{"contract":"test/visit","field":"email","type":"murmur3"}]"#),
            "/masks/0/seed"
        ),
        (
            body(
                #"[{"contract":"test/visit","field":"email","type":"murmur3","seed":4294967296}]"#),
            "/masks/0/seed"
        ),
        (body("[\(mail),\(mail)]"), "/masks/1/field"),
        (body(#"[{"contract":"test/visit","field":"gone"}]"#), "/masks/0/field"),
        (body(#"[{"contract":"test/none","field":"email"}]"#), "/masks/0/contract"),
        (body("[\(mail)]", levels: "[1]"), "/masks/0/field"),
        (body("{}"), "/masks"),
        (body("[\(Array(repeating: mail, count: 65).joined(separator: ","))]"), "/masks"),
        (#"{"name":"plain","masks":[]}"#, "/derivedFrom"),
    ]

    @Test func `a mask that is wrong is refused at its place`() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            _ = try await server.demo()
            for (json, pointer) in Self.refused {
                let answer = try await server.client.post("/v1/streams", token: token, json: json)
                #expect(answer.status == 400, "\(json)")
                #expect(answer.json["parameter"] as? String == pointer, "\(json) \(answer.text)")
            }
        }
    }
}
