import AuditProof
import Contracts
import Foundation
import Store
import Testing

@testable import Audit
@testable import Server

@Suite("Questions to the audit log over HTTP")
struct AuditQuestionTests {
    private func with(
        _ body: (TestServer, _ auditor: String, _ reader: TestServer.Credentials) async throws ->
            Void
    ) async throws {
        try await TestServer.with { server in
            let sender = try await server.demo()
            let reader = try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1,4]}")
            try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1]}")
            for number in 0..<5 {
                let event = TestEvents.event(
                    session: "session-\(number % 2)", email: "SMCANARY\(number)@example.org")
                let sent = try await server.client.post("/event", token: sender, json: event)
                #expect(sent.status == 204)
            }
            let page = try await server.client.get(
                "/v1/streams/demo-1-4/events", token: try await server.token(reader))
            #expect(page.header("strm-events") == "5")
            let auditor = try await server.token(try await server.makeClient(.auditor))
            try await body(server, auditor, reader)
        }
    }

    @Test("who read a field, what a client read and for which purpose: exact figures and a basis")
    func uses() async throws {
        try await with { server, auditor, reader in
            let answer = try await server.client.get(
                "/v1/audit/readers?field=email", token: auditor)
            #expect(answer.status == 200, "\(answer.text)")
            let uses = try #require(answer.json["uses"] as? [[String: Any]])
            #expect(uses.count == 1)
            let use = try #require(uses.first)
            #expect(use["client"] as? String == reader.id)
            #expect(use["derivedStream"] as? String == "demo-1-4")
            #expect(use["purposes"] as? [Int] == [1, 4])
            let fields = try #require(use["fields"] as? [[String: Any]])
            #expect(fields.count == 1)
            #expect(fields.first?["field"] as? String == "email")
            #expect(fields.first?["values"] as? Int == 5)
            let sequences = use["sequences"] as? [String: Any]
            #expect(sequences?["value"] as? Int == 2)
            #expect(sequences?["isLowerBound"] as? Bool == false)
            let basis = try #require(answer.json["basis"] as? [String: Any])
            #expect(basis["firstEntry"] as? Int == 0)
            #expect(basis["entriesLookedAt"] as? Int == basis["logSize"] as? Int)
            let entries = (use["entries"] as? [String: Any])?["ranges"] as? [[Int]] ?? []
            #expect(entries.count == 1)
            let number = try #require(entries.first?.first)
            let found = try await server.client.get(
                "/v1/audit/entries?after=\(number)&limit=1&act=release", token: auditor)
            #expect(found.text.contains("\"n\":\(number),"))

            for path in [
                "reads?client=\(reader.id)", "purposes?field=session", "reads?act=release",
                "readers?field=email&act=release&stream=demo&derivedStream=demo-1-4&purpose=4",
                "purposes?purpose=4&derivedStream=demo-1-4", "reads?purpose=1&stream=demo",
            ] {
                let answer = try await server.client.get("/v1/audit/\(path)", token: auditor)
                #expect(answer.text.contains(reader.id), "\(path)")
                #expect(!answer.text.contains("SMCANARY"))
            }
            for path in [
                "readers?field=url", "readers?field=email&purpose=2", "reads?client=nobody",
                "reads?derivedStream=demo-1",
                "readers?field=email&act=subjectAccessed", "reads?act=keysExported",
                "readers?field=email&stream=other",
                "readers?field=email&to=1000", "readers?field=email&from=253402300799999",
            ] {
                let answer = try await server.client.get("/v1/audit/\(path)", token: auditor)
                #expect((answer.json["uses"] as? [Any])?.isEmpty == true, "\(path)")
            }
            for bad in [
                "readers", "readers?field=", "readers?field=x&wat=1", "reads?act=tokenIssued",
                "purposes?purpose=64", "decisions?act=release", "report?format=pdf",
                "report?from=x",
            ] {
                let answer = try await server.client.get("/v1/audit/\(bad)", token: auditor)
                #expect(answer.status == 400, "\(bad)")
            }
            let token = try await server.token(reader)
            for path in ["readers?field=x", "reads", "purposes", "decisions", "report"] {
                let answer = try await server.client.get("/v1/audit/\(path)", token: token)
                #expect(answer.status == 403, "\(path)")
            }
        }
    }

    @Test("who received a person's data, who is named in the body alone and stands nowhere else")
    func recipients() async throws {
        try await with { server, auditor, reader in
            let body = "{\"subject\":\"SMCANARY1@example.org\"}"
            let answer = try await server.client.post(
                "/v1/audit/recipients", token: auditor, json: body)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["keyLinks"] as? Int == 1)
            let found = try #require(answer.json["answer"] as? [String: Any])
            let recipients = try #require(found["recipients"] as? [[String: Any]])
            #expect(recipients.count == 1)
            #expect(recipients.first?["client"] as? String == reader.id)
            #expect(recipients.first?["fields"] as? [String] == ["email", "session"])
            // The sequence is another person's too; both events are of it.
            #expect(recipients.first?["events"] as? Int == 2)
            #expect(recipients.first?["purposes"] as? [Int] == [1, 4])
            #expect(found["exactAfter"] is NSNull)
            let log = try await server.client.get("/v1/audit/entries?limit=1000", token: auditor)
            #expect(log.text.contains("auditAsked"))
            #expect(!log.text.contains("SMCANARY") && !answer.text.contains("SMCANARY"))

            for (body, keys) in [
                ("{\"subject\":\"nobody\"}", 0),
                ("{\"subject\":\"SMCANARY1@example.org\",\"streams\":[\"demo\"]}", 1),
                (
                    "{\"subject\":\"SMCANARY1@example.org\",\"to\":\"2020-01-01T00:00:00Z\"}", 1
                ),
            ] {
                let answer = try await server.client.post(
                    "/v1/audit/recipients", token: auditor, json: body)
                #expect(answer.json["keyLinks"] as? Int == keys, "\(body)")
                let items = (answer.json["answer"] as? [String: Any])?["recipients"] as? [Any]
                #expect(items?.count == (body.contains("\"demo\"") ? 1 : 0), "\(body)")
            }
            for (filter, count) in [
                ("\"client\":\"\(reader.id)\"", 1), ("\"client\":\"nobody\"", 0),
                ("\"derivedStream\":\"demo-1-4\"", 1), ("\"derivedStream\":\"demo-1\"", 0),
                ("\"purpose\":4", 1), ("\"purpose\":2", 0),
                ("\"field\":\"email\"", 1), ("\"field\":\"url\"", 0),
                ("\"act\":\"release\"", 1), ("\"act\":\"subjectAccessed\"", 0),
                ("\"act\":null,\"client\":null,\"purpose\":null", 1),
            ] {
                let answer = try await server.client.post(
                    "/v1/audit/recipients", token: auditor,
                    json: "{\"subject\":\"SMCANARY1@example.org\",\(filter)}")
                let items = (answer.json["answer"] as? [String: Any])?["recipients"] as? [Any]
                #expect(items?.count == count, "\(filter)")
            }
            for (body, status) in [
                ("{\"subject\":\"a\",\"act\":\"tokenIssued\"}", 400),
                ("{\"subject\":\"a\",\"purpose\":64}", 400),
                ("{}", 400), ("{\"subject\":\"\"}", 400), ("{\"subject\":7}", 400),
                ("{\"subject\":\"a\",\"streams\":[\"none\"]}", 404),
                ("{\"subject\":\"a\",\"streams\":\"demo\"}", 400),
                ("{\"subject\":\"a\",\"streams\":[]}", 400),
                ("{\"subject\":\"a\",\"from\":\"x\"}", 400), ("{\"subject\":\"a\",\"x\":1}", 400),
            ] {
                let answer = try await server.client.post(
                    "/v1/audit/recipients", token: auditor, json: body)
                #expect(answer.status == status, "\(body)")
            }
            let refused = try await server.client.post(
                "/v1/audit/recipients", token: try await server.token(reader), json: body)
            #expect(refused.status == 403)
        }
    }

    @Test("who received an erased person's data is told from the ledger, with the erasure's id")
    func recipientsOfErased() async throws {
        try await with { server, auditor, reader in
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let body = "{\"subject\":\"SMCANARY1@example.org\"}"
            let erased = try await server.client.post(
                "/v1/subjects/erasures", token: dpo, json: body)
            #expect(erased.status == 202, "\(erased.text)")
            let answer = try await server.client.post(
                "/v1/audit/recipients", token: auditor, json: body)
            #expect(answer.json["keyLinks"] as? Int == 1)
            let found = try #require(answer.json["answer"] as? [String: Any])
            let recipients = try #require(found["recipients"] as? [[String: Any]])
            #expect(recipients.map { $0["client"] as? String } == [reader.id])
            let erasures = try #require(answer.json["erasures"] as? [[String: Any]])
            #expect(erasures.map { $0["id"] as? String } == [erased.json["id"] as? String])
            let page = try await server.client.post("/v1/subjects/access", token: dpo, json: body)
            #expect(page.text.contains(reader.id), "\(page.status)")
        }
    }

    @Test("who received a person's data is told when the stream is deleted, too")
    func deletedStream() async throws {
        try await with { server, auditor, reader in
            let administrator = try await server.administrator()
            for name in ["demo-1-4", "demo-1", "demo"] {
                let gone = try await server.client.send(
                    "DELETE", "/v1/streams/\(name)", token: administrator)
                #expect(gone.status == 204, "\(gone.text)")
            }
            let body = "{\"subject\":\"SMCANARY1@example.org\"}"
            let answer = try await server.client.post(
                "/v1/audit/recipients", token: auditor, json: body)
            #expect(answer.json["keyLinks"] as? Int == 1)
            let found = try #require(answer.json["answer"] as? [String: Any])
            let recipients = try #require(found["recipients"] as? [[String: Any]])
            #expect(recipients.map { $0["client"] as? String } == [reader.id])
            #expect(recipients.map { $0["stream"] as? String } == ["demo"])
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let page = try await server.client.post("/v1/subjects/access", token: dpo, json: body)
            #expect(page.text.contains(reader.id), "\(page.status)")
        }
    }

    @Test("purposes are told as they stood when fields were opened, with the decisions")
    func changedPurpose() async throws {
        try await with { server, auditor, reader in
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let purpose =
                "{\"name\":\"marketing\",\"description\":\"d\",\"legalBasis\":\"consent\","
                + "\"owner\":\"new owner\"}"
            let put = try await server.client.send(
                "PUT", "/v1/purposes/4", token: dpo,
                headers: ["content-type": "application/json"], body: Array(purpose.utf8))
            #expect(put.status == 200, "\(put.text)")
            func items(_ query: String) async throws -> [[String: Any]] {
                let answer = try await server.client.get(
                    "/v1/audit/purposes?\(query)", token: auditor)
                return try #require(answer.json["items"] as? [[String: Any]], "\(answer.text)")
            }
            let before = try await items("purpose=4")
            #expect(before.count == 1)
            #expect(before.first?["name"] as? String != "marketing")
            #expect(before.first?["name"] is String)
            #expect(before.first?["isDeclared"] as? Bool == false)
            #expect(before.first?["decidedIn"] is Int)
            // Each level has its own fields.
            let uses = try await items("").flatMap { $0["uses"] as? [[String: Any]] ?? [] }
            let fields = uses.map { use in
                (use["fields"] as? [[String: Any]] ?? []).compactMap { $0["field"] as? String }
            }
            #expect(fields == [["session"], ["email"]])

            let page = try await server.client.get(
                "/v1/streams/demo-1-4/events", token: try await server.token(reader))
            #expect(page.header("strm-events") == "5")
            let after = try await items("purpose=4")
            #expect(after.count == 2)
            #expect(after.last?["name"] as? String == "marketing")
            #expect(after.last?["owner"] as? String == "new owner")
            #expect(after.last?["isDeclared"] as? Bool == true)
            let decisions = try await server.client.get(
                "/v1/audit/decisions?act=purposeSet&purpose=4", token: auditor)
            #expect(decisions.text.contains("\"name\":\"marketing\""))
        }
    }

    @Test("who decided what, page by page")
    func decisions() async throws {
        try await with { server, auditor, _ in
            var acts: [String] = []
            var after = 0
            var isComplete = false
            while !isComplete {
                let answer = try await server.client.get(
                    "/v1/audit/decisions?limit=3&after=\(after)", token: auditor)
                let items = answer.json["items"] as? [[String: Any]] ?? []
                #expect(items.count <= 3)
                acts += items.compactMap { $0["act"] as? String }
                after = try #require(answer.json["next"] as? Int)
                isComplete = try #require(answer.json["isComplete"] as? Bool)
            }
            #expect(acts.filter { $0 == "derivedStreamApproved" }.count == 2)
            #expect(acts.contains("contractActivated") && acts.contains("purposeSet"))
            #expect(!acts.contains("tokenIssued") && !acts.contains("release"))

            for (field, wanted) in [
                ("email", ["contractSubmitted", "contractApproved", "contractActivated"]),
                ("url", []), ("email&purpose=2", []),
            ] {
                let answer = try await server.client.get(
                    "/v1/audit/decisions?field=\(field)", token: auditor)
                let items = answer.json["items"] as? [[String: Any]] ?? []
                #expect(items.compactMap { $0["act"] as? String } == wanted, "\(field)")
            }
        }
    }

    @Test("the report sets what is declared beside what was observed, and says where they differ")
    func report() async throws {
        try await with { server, auditor, reader in
            let answer = try await server.client.get("/v1/audit/report", token: auditor)
            #expect(answer.status == 200, "\(answer.text)")
            let observed = try #require(answer.json["observed"] as? [String: Any])
            let fields = try #require(observed["fields"] as? [[String: Any]])
            #expect(fields.map { $0["field"] as? String } == ["email", "session"])
            #expect(fields.map { $0["values"] as? Int } == [5, 5])
            #expect(fields.allSatisfy { $0["readers"] as? [String] == [reader.id] })
            #expect(((observed["sequences"] as? [String: Any])?["value"] as? Int) == 2)
            let unused = try #require(answer.json["neverUsed"] as? [String: Any])
            #expect(unused["derivedStreams"] as? [String] == ["demo-1"])
            #expect(unused["purposes"] as? [Int] == [0, 2, 3])
            #expect((unused["fields"] as? [Any])?.isEmpty == true)
            #expect((unused["readers"] as? [String])?.count == 1)
            for (name, value) in try #require(answer.json["notDeclared"] as? [String: Any]) {
                #expect((value as? [Any])?.isEmpty == true, "\(name)")
            }
            let people = try #require(observed["people"] as? [[String: Any]])
            #expect(people.map { $0["stream"] as? String } == ["demo"])
            #expect(people.map { ($0["people"] as? [String: Any])?["value"] as? Int } == [5])
            #expect((observed["sequencesOfNobody"] as? [String: Any])?["value"] as? Int == 0)
            // Who was erased is known no more, which the report says.
            let dpo = try await server.token(try await server.makeClient(.dpo))
            for number in [0, 2, 4] {
                let erased = try await server.client.post(
                    "/v1/subjects/erasures", token: dpo,
                    json: "{\"subject\":\"SMCANARY\(number)@example.org\"}")
                #expect(erased.status == 202, "\(erased.text)")
            }
            let later = try await server.client.get("/v1/audit/report", token: auditor)
            let rest = try #require(later.json["observed"] as? [String: Any])
            let left = (rest["people"] as? [[String: Any]])?.first?["people"] as? [String: Any]
            #expect(left?["value"] as? Int == 2)
            #expect((rest["sequencesOfNobody"] as? [String: Any])?["value"] as? Int == 1)
            // Before anything was there nothing can have been left unused.
            let before = try await server.client.get("/v1/audit/report?to=1000", token: auditor)
            let nothing = try #require(before.json["neverUsed"] as? [String: Any])
            for name in ["fields", "derivedStreams", "readers", "streams"] {
                #expect((nothing[name] as? [Any])?.isEmpty == true, "\(name)")
            }
            let nobody = try #require(before.json["observed"] as? [String: Any])
            #expect((nobody["people"] as? [Any])?.isEmpty == true)

            let administrator = try await server.administrator()
            _ = try await server.client.send(
                "DELETE", "/v1/streams/demo-1-4", token: administrator)
            let after = try await server.client.get("/v1/audit/report", token: auditor)
            let gone = try #require(after.json["notDeclared"] as? [String: Any])
            #expect(gone["derivedStreams"] as? [String] == ["demo-1-4"])
            #expect(gone["readers"] as? [String] == [reader.id])
            #expect((gone["fields"] as? [Any])?.isEmpty == true)
        }
    }

    @Test("the printable report is one document without scripts, whatever purposes are called")
    func html() async throws {
        try await with { server, auditor, reader in
            let purpose =
                "{\"name\":\"<script>alert(1)</script>\",\"description\":\"</style><img src=x "
                + "onerror=alert(2)>\",\"legalBasis\":\"consent\",\"owner\":\"\\\"'&\"}"
            let put = try await server.client.send(
                "PUT", "/v1/purposes/9", token: try await server.administrator(),
                headers: ["content-type": "application/json"], body: Array(purpose.utf8))
            #expect(put.status == 201, "\(put.text)")
            let answer = try await server.client.get(
                "/v1/audit/report?format=html", token: auditor)
            #expect(answer.status == 200)
            #expect(answer.header("content-type") == "text/html; charset=utf-8")
            #expect(
                answer.header("content-security-policy")?.contains("default-src 'none'") == true)
            let html = answer.text
            #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(html.contains("&lt;/style&gt;&lt;img src=x onerror=alert(2)&gt;"))
            #expect(html.contains("&quot;&#39;&amp;"))
            #expect(html.contains("@media print"))
            #expect(html.contains(reader.id) && html.contains("email (5)"))
            ReportTests.expectOnlyKnownTags(html)
        }
    }
}

@Suite("The record of processing")
struct ReportTests {
    private static let hostile = [
        "<script>alert(1)</script>", "\"><svg onload=alert(1)>", "'", "&amp;", "]]>", "<!--",
        "--!>", "</td></tr></table>", "javascript:alert(1)", "\u{202E}gnp.exe", "\u{0}\u{7}",
        "日本語 größe", "\u{2028}", "<style>*{}</style>", "x\u{FEFF}<", "%3Cscript%3E",
    ]
    private static let tags: Set<String> = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p",
        "table", "thead", "tbody", "tr", "th", "td", "ul", "li",
    ]

    static func expectOnlyKnownTags(_ html: String) {
        #expect(unknownTags(html).isEmpty)
        // One style, which is ours, and nothing in it that ends it early.
        #expect(html.components(separatedBy: "<style").count == 2)
        #expect(!html.contains("http:") && !html.contains("https:"))
    }

    private static func unknownTags(_ html: String) -> [String] {
        html.split(separator: "<", omittingEmptySubsequences: false).dropFirst().map { piece in
            piece.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber || $0 == "!" }.lowercased()
        }.filter { !tags.contains($0) }
    }

    @Test("shows hostile names as what they say, in every place where one stands")
    func hostileNames() throws {
        for name in Self.hostile {
            let report = Self.report(name)
            let html = report.html
            Self.expectOnlyKnownTags(html)
            #expect(!html.contains("\u{202E}") && !html.contains("\u{0}"))
            #expect(html.contains(HTMLText.escaped(name)))
            let json = try JSONSerialization.jsonObject(with: Data(report.json.bytes))
            let declared = (json as? [String: Any])?["declared"] as? [String: Any]
            let purposes = declared?["purposes"] as? [[String: Any]]
            #expect(
                (purposes?.first?["name"] as? String).map { Array($0.utf16) } == Array(name.utf16))
        }
    }

    @Test("an unescaped name would be noticed: the check of tags finds it")
    func control() {
        #expect(
            Self.unknownTags("<p><script>alert(1)</script></p><!--") == ["script", "script", "!"])
        #expect(HTMLText.escaped("<a&\"'>") == "&lt;a&amp;&quot;&#39;&gt;")
    }

    private static func report(_ name: String) -> ProcessingReport {
        var catalog = CatalogSnapshot()
        catalog.purposes[1] = .init(
            value: PurposeRecord(
                level: 1, name: name, description: name, legalBasis: .consent, owner: name,
                changedAt: 0, changedBy: name), revision: 1)
        catalog.streams[name] = .init(
            value: StreamDefinition(
                name: name, id: StreamID(rawValue: 1), createdAt: 0, createdBy: name), revision: 1)
        catalog.derivedStreams[name] = .init(
            value: DerivedStreamDefinition(
                name: name, id: StreamID(rawValue: 2), source: name, mode: .granular,
                levels: ConsentLevels(bits: 2), createdAt: 0, createdBy: name,
                approval: Approval(state: .approved, decidedBy: name),
                masks: [MaskRule(contract: name, field: name, type: .hmacSHA256)]), revision: 1)
        catalog.clients[name] = .init(
            value: ClientRecord(
                id: name, role: .reader, scope: name, secretHash: "", createdAt: 0), revision: 1)
        catalog.contracts[name] = .init(
            value: ContractRecord(
                ref: name, schemaRef: name, number: 1, state: .active, document: "{}",
                createdAt: 0, createdBy: name), revision: 1)
        let way = AuditUses.Way(
            act: .release, client: name, role: name, stream: name, derivedStream: name,
            purposes: [1], contracts: [name], exporter: name, connector: name)
        var use = AuditUses.Use(way: way, firstAt: 0, lastAt: 1)
        use.values = [name: 1]
        use.hashedFields = [name]
        var fields = AuditFields()
        fields.figures[.init(contract: name, field: name)] = .init(
            values: 1, readers: [name], firstAt: 0, lastAt: 1)
        let draft = AuditLog.draft(
            AuditEntry(
                act: .purposeSet, client: name, role: name, stream: name, contracts: [name],
                detail: ["reason": name]))
        let line =
            #"{"n":0,"at":"2026-11-23T12:00:00.000Z","#
            + String(decoding: draft.body, as: UTF8.self) + "}"
        let uses = AuditUses(
            uses: [use], isCut: false,
            basis: AuditBasis(first: 0, end: 1, size: 1, root: TreeHash(contentOf: [])),
            unknown: NumberRanges())
        return ProcessingReport(
            from: nil, to: 1, madeAt: 1, catalog: catalog, contracts: [], uses: uses,
            fields: fields, decisions: [line], decisionsAreCut: false)
    }
}
