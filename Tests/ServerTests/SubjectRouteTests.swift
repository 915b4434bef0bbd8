import Foundation
import Store
import Testing

@testable import Server

@Suite("Requests of people")
struct SubjectRouteTests {
    private static let jane = "SMCANARY.jane@example.org"
    private static let joe = "SMCANARY.joe@example.org"

    /// With stream `demo`, two visits of Jane's and one of Joe's. Gives a token of a data protection
    /// officer, and one that sends and reads.
    private func visits(_ server: TestServer) async throws -> (dpo: String, sender: String) {
        try await server.makeContract()
        let sender = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
        for (session, email) in [("s1", Self.jane), ("s2", Self.joe), ("s3", Self.jane)] {
            let sent = try await server.client.post(
                "/event", token: sender, json: TestEvents.event(session: session, email: email))
            #expect(sent.status == 204, "\(sent.text)")
        }
        return (try await server.token(try await server.makeClient(.dpo)), sender)
    }

    private func ask(
        _ what: String, _ server: TestServer, _ token: String, _ person: String = jane,
        _ rest: String = ""
    ) async throws -> TestClient.Response {
        try await server.client.post(
            "/v1/subjects/\(what)", token: token, json: "{\"subject\":\"\(person)\"\(rest)}")
    }

    private func items(_ response: TestClient.Response, _ name: String = "items") -> [[String: Any]]
    {
        response.json[name] as? [[String: Any]] ?? []
    }

    @Test("a person's sequences and events are given to the officer, no cache keeps them")
    func asked() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            let links = try await ask("links", server, dpo)
            #expect(links.status == 200, "\(links.text)")
            #expect(items(links).count == 2)
            #expect(items(links).allSatisfy { $0["isOpenable"] as? Bool == true })
            #expect(!links.text.contains("SMCANARY"))
            #expect(links.header("cache-control") == "no-store")

            let access = try await ask("access", server, dpo)
            #expect(access.status == 200, "\(access.text)")
            #expect(access.header("cache-control") == "no-store")
            let events = items(access, "events")
            #expect(events.count == 2)
            for event in events {
                #expect((event["event"] as? [String: Any])?["email"] as? String == Self.jane)
                #expect(event["sealedFields"] as? Int == 0)
            }
            #expect(!access.text.contains(Self.joe))
            let head = try #require(access.json["head"] as? [String: Any])
            #expect((head["links"] as? [Any])?.count == 2)
            #expect((head["purposes"] as? [Any])?.count == 5)
            #expect(access.json["person"] as? String == links.json["person"] as? String)
            #expect(access.json["nextCursor"] is NSNull)
        }
    }

    @Test("the officer's own reading is in the next answer, as anybody's is")
    func recipients() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            _ = try await ask("access", server, dpo)
            let again = try await ask("access", server, dpo)
            let head = try #require(again.json["head"] as? [String: Any])
            let told = try #require(head["recipients"] as? [String: Any])
            let recipients = try #require(told["recipients"] as? [[String: Any]])
            #expect(recipients.map { $0["act"] as? String } == ["subjectAccessed"])
            #expect(recipients.first?["role"] as? String == "dpo")
            #expect(recipients.first?["events"] as? Int == 2)
            // In the form in which the audit log's own answer gives them.
            let offsets = try #require(recipients.first?["offsets"] as? [[String: Any]])
            #expect(offsets.map { $0["partition"] as? Int } == [0])
            #expect((told["basis"] as? [String: Any])?["logSize"] is Int)
            #expect((told["notKnown"] as? [String])?.isEmpty == false)
        }
    }

    @Test("erasing answers 202, with now 200 and the receipt; asking again is harmless")
    func erased() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            let asked = try await ask("erasures", server, dpo, Self.joe)
            #expect(asked.status == 202, "\(asked.text)")
            #expect(asked.json["state"] as? String == "requested")
            #expect(asked.json["receipt"] is NSNull)
            #expect(asked.json["dueAt"] is String)
            let id = try #require(asked.json["id"] as? String)
            let early = try await server.client.get("/v1/erasures/\(id)/receipt", token: dpo)
            #expect(early.status == 404)

            let done = try await ask(
                "erasures", server, dpo, Self.jane, ",\"now\":true,\"reference\":\"case-1\"")
            #expect(done.status == 200, "\(done.text)")
            #expect(done.json["dataKeys"] as? Int == 2)
            let janes = try #require(done.json["id"] as? String)
            let receipt = try await server.client.get(
                "/v1/erasures/\(janes)/receipt", token: dpo)
            #expect(receipt.status == 200)
            #expect(Set(receipt.json.keys) == ["receipt", "signature"])
            let shown = try await server.client.get("/v1/erasures/\(janes)", token: dpo)
            #expect(shown.json["receipt"] is [String: Any])

            let again = try await ask("erasures", server, dpo, Self.jane, ",\"now\":true")
            #expect(again.json["id"] as? String == janes)
            #expect(again.json["isRepeated"] as? Bool == true)
            let listed = try await server.client.get("/v1/erasures", token: dpo)
            #expect(items(listed).map { $0["id"] as? String } == [id, janes])
            // The destruction takes all that waits.
            #expect(items(listed).allSatisfy { $0["state"] as? String == "destroyed" })
            let page = try await server.client.get("/v1/erasures?limit=1", token: dpo)
            let next = try #require(page.json["next"] as? Int)
            let rest = try await server.client.get("/v1/erasures?after=\(next)", token: dpo)
            #expect(items(rest).map { $0["id"] as? String } == [janes])

            let gone = try await ask("access", server, dpo)
            #expect(items(gone, "events").isEmpty)
            let all = asked.text + done.text + receipt.text + listed.text + shown.text
            #expect(!all.contains("SMCANARY"))
        }
    }

    @Test("with a fence the person's events are refused with a problem of their own")
    func fence() async throws {
        try await TestServer.with { server in
            let (dpo, sender) = try await visits(server)
            let asked = try await ask("erasures", server, dpo, Self.jane, ",\"fence\":true")
            #expect(asked.status == 202)
            let refused = try await server.client.post(
                "/event", token: sender, json: TestEvents.event(session: "s9", email: Self.jane))
            #expect(refused.status == 403)
            #expect(refused.slug == "subject-fenced")
            #expect(!refused.text.contains("SMCANARY"))
            let other = try await server.client.post(
                "/event", token: sender, json: TestEvents.event(session: "s9", email: Self.joe))
            #expect(other.status == 204)
            let lifted = try await ask("fences/lift", server, dpo)
            #expect(lifted.json["streams"] as? [String] == ["demo"])
            let taken = try await server.client.post(
                "/event", token: sender, json: TestEvents.event(session: "s8", email: Self.jane))
            #expect(taken.status == 204)
        }
    }

    @Test("every question is in the audit log, whether the person is known or not, never by name")
    func record() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            let stranger = "SMCANARY.nobody@example.org"
            for person in [Self.jane, stranger] {
                for what in ["links", "access", "erasures", "fences/lift", "erasures"] {
                    let answer = try await ask(what, server, dpo, person)
                    #expect([200, 202].contains(answer.status), "\(what): \(answer.text)")
                }
            }
            let entries = try await server.client.get(
                "/v1/audit/entries?limit=1000", token: dpo)
            let acts = items(entries).compactMap { $0["act"] as? String }
            for act in [
                "subjectLinksShown", "subjectAccessed", "erasureRequested", "erasureRepeated",
                "fenceLifted",
            ] {
                #expect(acts.filter { $0 == act }.count == 2, "\(act)")
            }
            let people = Set(
                items(entries).compactMap {
                    ($0["detail"] as? [String: Any])?["person"] as? String
                })
            #expect(people.count == 2)
            #expect(!entries.text.contains("SMCANARY"))
        }
    }

    @Test("what is wrong in a request is named, and nothing of it is repeated")
    func wrong() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            let rows: [(String, String, Int)] = [
                ("links", "{}", 400), ("links", "{\"subject\":\"\"}", 400),
                ("links", "{\"subject\":7}", 400), ("links", "{\"subject\":null}", 400),
                ("links", "{\"subject\":\"SMCANARY\",\"SMCANARY\":1}", 400),
                ("links", "{\"subject\":\"SMCANARY\",\"streams\":[]}", 400),
                ("links", "{\"subject\":\"SMCANARY\",\"streams\":[1]}", 400),
                ("links", "{\"subject\":\"SMCANARY\",\"streams\":[\"SMCANARY\"]}", 404),
                ("links", "SMCANARY", 400),
                ("access", "{\"subject\":\"SMCANARY\",\"limit\":0}", 400),
                ("access", "{\"subject\":\"SMCANARY\",\"limit\":1001}", 400),
                ("access", "{\"subject\":\"SMCANARY\",\"cursor\":\"SMCANARY\"}", 400),
                ("access", "{\"subject\":\"SMCANARY\",\"from\":\"SMCANARY\"}", 400),
                ("erasures", "{\"subject\":\"SMCANARY\",\"now\":\"SMCANARY\"}", 400),
                ("erasures", "{\"subject\":\"SMCANARY\",\"reference\":\"SMCANARY@x\"}", 400),
                ("fences/lift", "{\"subject\":\"SMCANARY\",\"fence\":true}", 400),
            ]
            for (path, body, status) in rows {
                let answer = try await server.client.post(
                    "/v1/subjects/\(path)", token: dpo, json: body)
                #expect(answer.status == status, "\(path) \(body): \(answer.text)")
                #expect(!answer.text.contains("SMCANARY"), "\(path) \(body)")
            }
            for path in ["e-none", "e-none/receipt", "..%2Fmaster.key", "x"] {
                let answer = try await server.client.get("/v1/erasures/\(path)", token: dpo)
                #expect(answer.status == 404, "\(path)")
            }
            #expect(try await server.client.get("/v1/erasures?state=x", token: dpo).status == 400)
        }
    }

    @Test("the document comes in parts that a cursor joins")
    func parts() async throws {
        try await TestServer.with { server in
            let (dpo, _) = try await visits(server)
            let first = try await ask("access", server, dpo, Self.jane, ",\"limit\":1")
            let cursor = try #require(first.json["nextCursor"] as? String)
            #expect(!cursor.contains("SMCANARY"))
            let second = try await ask(
                "access", server, dpo, Self.jane, ",\"limit\":1,\"cursor\":\"\(cursor)\"")
            #expect(second.json["head"] == nil)
            let offsets = (items(first, "events") + items(second, "events")).map {
                $0["offset"] as? Int
            }
            #expect(offsets == [0, 2])
        }
    }
}
