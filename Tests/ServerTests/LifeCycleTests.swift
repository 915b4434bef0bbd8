import Foundation
import Store
import Testing

@testable import Server

/// Four people and what they do: each has a client of their own.
private struct Company {
    let server: TestServer
    let author: String
    let otherAuthor: String
    let dpo: String
    let otherDPO: String
    let administrator: String

    init(_ server: TestServer) async throws {
        self.server = server
        author = try await server.token(try await server.makeClient(.author))
        otherAuthor = try await server.token(try await server.makeClient(.author))
        dpo = try await server.token(try await server.makeClient(.dpo))
        otherDPO = try await server.token(try await server.makeClient(.dpo))
        administrator = try await server.administrator()
    }

    var path: String { "/v1/contracts/\(TestEvents.ref)" }

    func writes(
        _ token: String, _ document: String = TestEvents.contract
    ) async throws -> TestClient.Response {
        try await server.client.post("/v1/contracts", token: token, json: document)
    }

    func does(
        _ verb: String, _ token: String, _ json: String? = nil, on path: String? = nil
    ) async throws -> TestClient.Response {
        let target = "\(path ?? self.path)/\(verb)"
        if verb == "approve", json == nil {
            // What everybody sees now.
            let seen = try await server.client.get(path ?? self.path, token: token).json
            let name = path == nil ? "number" : "id"
            return try await server.client.post(
                target, token: token, json: "{\"\(name)\":\(seen[name] as? Int ?? 0)}")
        }
        guard let json else {
            return try await server.client.send("POST", target, token: token)
        }
        return try await server.client.post(target, token: token, json: json)
    }

    func entries(_ act: String) async throws -> [[String: Any]] {
        let answer = try await server.client.get(
            "/v1/audit/entries?act=\(act)", token: administrator)
        return answer.json["items"] as? [[String: Any]] ?? []
    }

    static func with(
        _ overrides: [String: String] = ["governance.singlePerson": "false"],
        _ body: (Company) async throws -> Void
    ) async throws {
        try await TestServer.with(overrides) { server in
            try await server.definePurposes(0...4)
            try await body(try await Company(server))
        }
    }
}

@Suite("Approval by a second person")
struct LifeCycleTests {
    @Test("who wrote a contract, changed its draft or asked for its review does not approve it")
    func fourEyes() async throws {
        try await Company.with { company in
            #expect(try await company.writes(company.dpo).status == 201)
            #expect(try await company.does("review", company.otherDPO).status == 200)
            for own in [company.dpo, company.otherDPO] {
                let refused = try await company.does("approve", own)
                #expect(refused.status == 403)
                #expect(refused.text.contains("does not approve"))
            }
            let administrator = try await company.does("approve", company.administrator)
            #expect(administrator.status == 403)
            #expect(administrator.text.contains("governance.singlePerson"))
            let third = try await company.server.token(
                try await company.server.makeClient(.dpo))
            let approved = try await company.does("approve", third)
            #expect(approved.json["state"] as? String == "approved")
            let approval = approved.json["approval"] as? [String: Any]
            #expect(approval?["isSelfApproved"] as? Bool == false)
            let detail = try await company.entries("contractApproved").first?["detail"]
            let said = try #require(detail as? [String: String])
            #expect(said["number"] == String(approved.json["number"] as? Int ?? -1))
            #expect(said["sha256"]?.count == 64 && said["selfApproved"] == nil)
        }
    }

    @Test("a single-person installation approves its own work, and the audit log says so")
    func singlePerson() async throws {
        try await Company.with([:]) { company in
            #expect(try await company.writes(company.administrator).status == 201)
            #expect(try await company.does("review", company.administrator).status == 200)
            let approved = try await company.does("approve", company.administrator)
            #expect(approved.status == 200)
            let approval = approved.json["approval"] as? [String: Any]
            #expect(approval?["isSelfApproved"] as? Bool == true)
            let detail = try await company.entries("contractApproved").first?["detail"]
            #expect((detail as? [String: String])?["selfApproved"] != nil)
        }
    }

    @Test("a rejected contract is a draft with the reason, is mended in place, and goes on")
    func rejection() async throws {
        try await Company.with { company in
            _ = try await company.writes(company.author)
            _ = try await company.does("review", company.author)
            let json = "{\"reason\":\"the e-mail is level 4\"}"
            let rejected = try await company.does("reject", company.dpo, json)
            #expect(rejected.json["state"] as? String == "draft")
            let approval = rejected.json["approval"] as? [String: Any]
            #expect(approval?["reason"] as? String == "the e-mail is level 4")
            #expect(approval?["state"] as? String == "rejected")

            let mended = TestEvents.contract.replacing(
                "\"purposeLevel\":4", with: "\"purposeLevel\":3")
            func replace(_ token: String, _ text: String) async throws -> TestClient.Response {
                try await company.server.client.send(
                    "PUT", company.path, token: token,
                    headers: ["content-type": "application/json"], body: Array(text.utf8))
            }
            #expect(try await replace(company.otherAuthor, mended).status == 403)
            let other = mended.replacing(
                "\"name\":\"visit\",\"version\"", with: "\"name\":\"x\",\"version\"")
            #expect(try await replace(company.author, other).status == 400)
            #expect(try await replace(company.author, mended).status == 200)
            _ = try await company.does("review", company.author)
            #expect(try await replace(company.author, mended).status == 409)
            #expect(try await company.does("approve", company.dpo).status == 200)
            #expect(try await company.does("activate", company.author).status == 200)

            // What takes events is the mended text: level 3 opens the field.
            let owner = try await company.server.token(
                try await company.server.makeStream("{\"name\":\"demo\"}"))
            let sent = try await company.server.client.post(
                "/event", token: owner, json: TestEvents.event(consent: [1, 3]))
            #expect(sent.status == 204)
        }
    }

    @Test("the text that was looked at is approved, or none")
    func changedText() async throws {
        try await Company.with { company in
            let made = try await company.writes(company.author)
            let number = made.json["number"] as? Int ?? -1
            _ = try await company.does("review", company.author)
            _ = try await company.does("reject", company.dpo, "{\"reason\":\"not yet\"}")
            let changed = try await company.server.client.send(
                "PUT", company.path, token: company.author,
                headers: ["content-type": "application/json"],
                body: Array(TestEvents.contract.utf8))
            #expect(changed.json["number"] as? Int != number)
            _ = try await company.does("review", company.author)
            let stale = try await company.does(
                "approve", company.otherDPO, "{\"number\":\(number)}")
            #expect(stale.status == 409)
            #expect(stale.text.contains("Look at it again"))
            #expect(try await company.does("approve", company.otherDPO, "{}").status == 400)
            #expect(try await company.does("approve", company.otherDPO).status == 200)
        }
    }

    @Test("what an officer archived, or nobody approved, its author does not bring back")
    func archivedByAnother() async throws {
        try await Company.with { company in
            _ = try await company.writes(company.author)
            _ = try await company.does("review", company.author)
            _ = try await company.does("approve", company.dpo)
            _ = try await company.does("activate", company.author)
            #expect(try await company.does("archive", company.author).status == 200)
            #expect(try await company.does("reactivate", company.author).status == 200)
            #expect(try await company.does("archive", company.dpo).status == 200)
            #expect(try await company.does("reactivate", company.author).status == 403)
            #expect(try await company.does("reactivate", company.otherDPO).status == 200)
        }
    }

    @Test("an author keeps to contracts of their own; acts out of order are refused")
    func order() async throws {
        try await Company.with { company in
            _ = try await company.writes(company.author)
            for verb in ["review", "activate", "archive", "reactivate"] {
                #expect(try await company.does(verb, company.otherAuthor).status == 403, "\(verb)")
            }
            let wrong = ["approve", "activate", "archive", "reactivate"]
            for verb in wrong {
                let answer = try await company.does(verb, company.dpo)
                #expect(answer.status == 409, "\(verb)")
                #expect(answer.text.contains("it is draft"), "\(verb)")
            }
            let delete = try await company.server.client.send(
                "DELETE", company.path, token: company.otherAuthor)
            #expect(delete.status == 403)
            for reason in ["{}", "{\"reason\":\"\"}", "{\"reason\":\"a\\nb\"}", "{\"reason\":7}"] {
                let answer = try await company.does("reject", company.dpo, reason)
                #expect(answer.status == 400, "\(reason)")
            }
        }
    }

    @Test("an archived contract refuses new events, still opens old ones, and can come back")
    func archived() async throws {
        try await TestServer.with { server in
            let owner = try await server.demo()
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1,4]}"))
            let event = TestEvents.event()
            #expect(try await server.client.post("/event", token: owner, json: event).status == 204)
            let administrator = try await server.administrator()
            let path = "/v1/contracts/\(TestEvents.ref)"
            _ = try await server.client.send("POST", path + "/archive", token: administrator)
            let refused = try await server.client.post("/event", token: owner, json: event)
            #expect(refused.slug == "inactive-contract")
            let read = try await server.client.get("/v1/streams/demo-1-4/events", token: reader)
            #expect(read.text.contains("SMCANARY@example.org"))
            _ = try await server.client.send("POST", path + "/reactivate", token: administrator)
            #expect(try await server.client.post("/event", token: owner, json: event).status == 204)
        }
    }
}

@Suite("Approval of derived streams")
struct DerivedApprovalTests {
    private static let request = "{\"derivedFrom\":\"demo\",\"levels\":[1,4]}"

    @Test("a derived stream is read only while a data protection officer lets it")
    func approval() async throws {
        try await Company.with { company in
            let server = company.server
            try await server.makeStream("{\"name\":\"demo\"}")
            let made = try await server.client.post(
                "/v1/streams", token: company.author, json: Self.request)
            #expect(made.status == 201)
            #expect(made.json["state"] as? String == "pending")
            let client = made.json["client"] as? [String: Any]
            let reader = try await server.token(
                client?["clientId"] as? String ?? "", client?["clientSecret"] as? String ?? "")
            func read() async throws -> TestClient.Response {
                try await server.client.get("/v1/streams/demo-1-4/events", token: reader)
            }
            let path = "/v1/streams/demo-1-4"
            #expect(try await read().slug == "not-approved")
            let mayNot = try await company.does("approve", company.administrator, on: path)
            #expect(mayNot.status == 403)
            let approved = try await company.does("approve", company.dpo, on: path)
            #expect(approved.json["state"] as? String == "approved")
            #expect(try await read().status == 200)
            #expect(try await company.does("approve", company.dpo, on: path).status == 409)

            let json = "{\"reason\":\"no basis for level 4\"}"
            let taken = try await company.does("reject", company.dpo, json, on: path)
            #expect(taken.json["state"] as? String == "rejected")
            #expect(try await read().slug == "not-approved")
            #expect(try await company.entries("derivedStreamApproved").count == 1)
            #expect(try await company.entries("derivedStreamRejected").count == 1)
        }
    }

    @Test("another derived stream of the same name is not approved in its place")
    func recreated() async throws {
        try await Company.with { company in
            let server = company.server
            try await server.makeStream("{\"name\":\"demo\"}")
            let path = "/v1/streams/demo-1-4"
            let first = try await server.client.post(
                "/v1/streams", token: company.author, json: Self.request)
            let id = first.json["id"] as? Int ?? -1
            let gone = try await server.client.send("DELETE", path, token: company.author)
            #expect(gone.status == 204)
            let more = "{\"derivedFrom\":\"demo\",\"levels\":[0,1,2,3,4],\"name\":\"demo-1-4\"}"
            _ = try await server.client.post("/v1/streams", token: company.author, json: more)
            let stale = try await company.does(
                "approve", company.dpo, "{\"id\":\(id)}", on: path)
            #expect(stale.status == 409)
            #expect(stale.text.contains("another derived stream"))
        }
    }

    @Test("a data protection officer does not approve what they asked for themselves")
    func ownRequest() async throws {
        try await Company.with { company in
            try await company.server.makeStream("{\"name\":\"demo\"}")
            _ = try await company.server.client.post(
                "/v1/streams", token: company.dpo, json: Self.request)
            let path = "/v1/streams/demo-1-4"
            #expect(try await company.does("approve", company.dpo, on: path).status == 403)
            #expect(try await company.does("approve", company.otherDPO, on: path).status == 200)
            #expect(
                try await company.does("approve", company.otherDPO, on: "/v1/streams/demo").status
                    == 409)
            #expect(
                try await company.does("approve", company.otherDPO, on: "/v1/streams/none").status
                    == 404)
        }
    }

    @Test(
        "a reader that waits when the approval is taken back gets nothing",
        .timeLimit(.minutes(1)))
    func takenBackWhileWaiting() async throws {
        try await TestServer.with { server in
            let owner = try await server.demo()
            let reader = try await server.token(try await server.makeStream(Self.request))
            let path = "/v1/streams/demo-1-4"
            async let waiting = server.client.get("\(path)/events?wait=20", token: reader)
            let administrator = try await server.administrator()
            // It waits once the server counts it.
            while true {
                let metrics = try await server.client.get("/metrics").text
                if metrics.contains("strm_readers_waiting 1") { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            let json = "{\"reason\":\"stop\"}"
            let taken = try await server.client.post(
                "\(path)/reject", token: administrator, json: json)
            #expect(taken.status == 200)
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            let answer = try await waiting
            #expect(answer.status == 401)
            #expect(!answer.text.contains("SMCANARY"))
        }
    }

    @Test("no exporter is made for a derived stream that is not approved")
    func exporter() async throws {
        try await Company.with { company in
            try await company.server.makeStream("{\"name\":\"demo\"}")
            _ = try await company.server.client.post(
                "/v1/streams", token: company.author, json: Self.request)
            let answer = try await company.server.client.post(
                "/v1/exporters", token: company.dpo,
                json: "{\"stream\":\"demo-1-4\",\"connector\":\"none\"}")
            #expect(answer.slug == "not-approved")
        }
    }
}

@Suite("Purposes")
struct PurposeTests {
    @Test("levels without a purpose are refused in contracts, derived streams and events")
    func unmapped() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.definePurposes([1])
            let contract = try await server.client.post(
                "/v1/contracts", token: token, json: TestEvents.contract)
            #expect(contract.slug == "unmapped-level")
            #expect(contract.json["levels"] as? [Int] == [4])
            #expect(
                contract.json["pointer"] as? String
                    == "/fieldMetadata/1/personalDataConfig/purposeLevel")

            let owner = try await server.demo()
            let derived = try await server.client.post(
                "/v1/streams", token: token, json: "{\"derivedFrom\":\"demo\",\"levels\":[1,9]}")
            #expect(derived.slug == "unmapped-level")
            #expect(derived.json["pointer"] as? String == "/levels")
            let event = try await server.client.post(
                "/event", token: owner, json: TestEvents.event(consent: [1, 9]))
            #expect(event.status == 400)
            #expect(event.json["rule"] as? String == "purpose")
            #expect(event.json["pointer"] as? String == "/strmMeta/consentLevels/1")

            // The next event after the map has changed is taken.
            try await server.definePurposes([9])
            let again = try await server.client.post(
                "/event", token: owner, json: TestEvents.event(consent: [1, 9]))
            #expect(again.status == 204)
        }
    }

    @Test("derived streams show purposes by name; a purpose in use stays")
    func named() async throws {
        try await TestServer.with { server in
            _ = try await server.demo()
            try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[0]}")
            let token = try await server.administrator()
            let shown = try await server.client.get("/v1/streams/demo-0", token: token)
            let purposes = shown.json["purposes"] as? [[String: Any]]
            #expect(purposes?.first?["name"] as? String == "Purpose 0")
            func delete(_ level: Int) async throws -> TestClient.Response {
                try await server.client.send("DELETE", "/v1/purposes/\(level)", token: token)
            }
            #expect(try await delete(0).text.contains("derived stream demo-0"))
            #expect(try await delete(4).text.contains("contract \(TestEvents.ref)"))
            #expect(try await delete(2).status == 204)
            #expect(try await delete(2).status == 404)
            _ = try await server.client.send(
                "POST", "/v1/contracts/\(TestEvents.ref)/archive", token: token)
            #expect(try await delete(4).status == 204)
            // What needs it cannot come back without it.
            let back = try await server.client.send(
                "POST", "/v1/contracts/\(TestEvents.ref)/reactivate", token: token)
            #expect(back.slug == "unmapped-level")
        }
    }

    @Test("a purpose that approvals rest on is not an administrator's to change")
    func inUse() async throws {
        try await Company.with { company in
            func put(_ level: Int, _ token: String) async throws -> Int {
                try await company.server.client.send(
                    "PUT", "/v1/purposes/\(level)", token: token,
                    headers: ["content-type": "application/json"],
                    body: Array(TestEvents.purpose(9).utf8)
                ).status
            }
            #expect(try await put(4, company.administrator) == 200)
            _ = try await company.writes(company.author)
            #expect(try await put(4, company.administrator) == 403)
            #expect(try await put(4, company.dpo) == 200)
        }
    }

    @Test("a purpose that is not exactly described is refused where it is wrong")
    func bad() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let good = TestEvents.purpose(1)
            let cases: [(level: String, json: String, says: String)] = [
                ("1", good.replacing("consent", with: "because"), "legitimateInterests"),
                ("1", good.replacing("Purpose 1", with: ""), "/name"),
                ("1", good.replacing("For tests", with: "a\\u0000b"), "/description"),
                ("1", good.replacing("\"owner\"", with: "\"boss\""), "owner"),
                ("64", good, "0 to 63"), ("-1", good, "0 to 63"), ("01", good, "0 to 63"),
            ]
            for bad in cases {
                let answer = try await server.client.send(
                    "PUT", "/v1/purposes/\(bad.level)", token: token,
                    headers: ["content-type": "application/json"], body: Array(bad.json.utf8))
                #expect(answer.status == 400, "\(bad.level) \(bad.json)")
                #expect(answer.text.contains(bad.says), "\(bad.level) \(answer.text)")
            }
        }
    }
}
