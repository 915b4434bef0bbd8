import Foundation
import Testing

extension EndToEnd {
    @Suite("Personal data", .timeLimit(.minutes(4)))
    struct PersonalData {
        private static let canary = "SMCANARY"

        private func event(_ number: Int, consent: String, isValid: Bool = true) -> String {
            """
            {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0",\
            "consentLevels":[\(consent)]},\
            "producerSessionId":"\(Self.canary)-session-\(number % 7)",\
            "url":"https://shop.example.com/\(number)","eventType":"page_view","referrer":"",\
            "userAgent":"x","conversion":0,\
            "customer":{"email":"\(Self.canary).\(number)\(isValid ? "@" : "-")example.com",\
            "country":"NL"},"abTests":[]}
            """
        }

        @Test("marked plaintext is in no file of the data directory, no log and no audit export")
        func noPlaintextAtRest() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess(
                "create", "stream", "--derived-from", "demo", "--levels", "1,4", "--approve")
            let good = (0..<500).map { event($0, consent: "0,1,4") }
            let bad = (0..<20).map { event($0, consent: "1", isValid: false) }
            let garbage = ["{\"\(Self.canary)\":", "[\"\(Self.canary)\"]", Self.canary]
            let sent = try await site.strm(
                "send", "demo", input: (good + bad + garbage).joined(separator: "\n"))
            #expect(sent.output.contains("500 stored, 23 refused"))
            #expect(!sent.errors.contains(Self.canary))

            // Both opened fields leave through the one door, and leave no trace behind it.
            let opened = try await site.events("demo-1-4")
            #expect(opened.count == 500)
            #expect(
                opened.allSatisfy {
                    (value($0, "customer", "email") as? String)?.contains(Self.canary) == true
                })
            _ = try await Tool.run(
                "/usr/bin/curl",
                ["-sS", "-X", "POST", "\(site.url)/\(Self.canary)", "-d", Self.canary])
            let export = "\(site.scratch.path)/audit"
            try await site.expectSuccess("audit", "export", export)
            // Of files that the store deletes meanwhile it complains, by its status too.
            let running = try await Tool.run("/bin/grep", ["-raobs", Self.canary, site.data])
            #expect(running.status != 0 && running.output.isEmpty, "found: \(running.output)")
            await site.stop()

            for place in [site.data, export] {
                let found = try await Tool.run("/bin/grep", ["-raobi", Self.canary, place])
                #expect(found.status == 1, "found: \(found.output)")
            }
            #expect(!site.logs.contains(Self.canary))
            #expect(!site.logs.isEmpty)
            // The search can find: the same word in a file of the same place.
            try Data(Self.canary.utf8).write(to: URL(filePath: "\(site.data)/control"))
            let control = try await Tool.run("/bin/grep", ["-raob", Self.canary, site.data])
            #expect(control.status == 0)
        }

        @Test("golden case: levels 1, 2, 3; a stream of {0,1,2}; consent decides what is delivered")
        func goldenCase() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            let contract = "\(site.scratch.path)/golden.json"
            try Data(Self.goldenContract.utf8).write(to: URL(filePath: contract))
            try await site.definePurposes(0...3)
            try await site.expectSuccess("create", "contract", contract, "--activate")
            try await site.expectSuccess("create", "stream", "golden")
            let derived = try await site.expectSuccess(
                "create", "stream", "--derived-from", "golden", "--cumulative", "2", "--approve",
                "--output", "json")
            #expect(try derived.json()["levels"] as? [Int] == [0, 1, 2])
            let token = try await site.token("golden")
            for (number, consent) in ["0,1,2,3", "0,1,3", "", "0,1,2"].enumerated() {
                let reply = try await Tool.run(
                    "/usr/bin/curl",
                    [
                        "-sS", "--http2-prior-knowledge", "-w", "%{http_code} %{http_version}",
                        "-H", "authorization: Bearer \(token)",
                        "-H", "strm-schema-ref: test/golden/1.0.0",
                        "-d", Self.goldenEvent(number, consent), "\(site.url)/event",
                    ])
                #expect(reply.output == "204 2")
            }
            #expect(try await site.events("golden").count == 4)

            let delivered = try await site.events("golden-c2")
            #expect(delivered.compactMap { $0["number"] as? Int } == [0, 3])
            for event in delivered {
                let number = event["number"] as? Int ?? -1
                #expect(event["one"] as? String == "first \(number)")
                #expect(event["two"] as? String == "second \(number)")
                #expect(isSealed(event["three"]))
            }
            // A stream of level 0 alone: an event with no consent is delivered by none at all.
            try await site.expectSuccess(
                "create", "stream", "--derived-from", "golden", "--levels", "0", "--approve")
            let zero = try await site.events("golden-0")
            #expect(zero.compactMap { $0["number"] as? Int } == [0, 1, 3])
        }

        private static func goldenEvent(_ number: Int, _ consent: String) -> String {
            """
            {"strmMeta":{"eventContractRef":"test/golden/1.0.0","consentLevels":[\(consent)]},\
            "session":"s","number":\(number),"one":"first \(number)","two":"second \(number)",\
            "three":"third \(number)"}
            """
        }

        private static let goldenContract = """
            {"ref":{"handle":"test","name":"golden","version":"1.0.0"},
             "keyField":"session",
             "fieldMetadata":[
               {"fieldName":"one","personalDataConfig":{"isPii":true,"purposeLevel":1}},
               {"fieldName":"two","personalDataConfig":{"isPii":true,"purposeLevel":2}},
               {"fieldName":"three","personalDataConfig":{"isPii":true,"purposeLevel":3}}],
             "schema":{
               "ref":{"handle":"test","name":"golden","version":"1.0.0","schemaType":"avro"},
               "definition":{"type":"record","name":"Golden","fields":[
                 {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
                   {"name":"eventContractRef","type":"string"},
                   {"name":"nonce","type":["null","int"],"default":null},
                   {"name":"timestamp","type":["null","long"],"default":null},
                   {"name":"keyLink","type":["null","string"],"default":null},
                   {"name":"billingId","type":["null","string"],"default":null},
                   {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
                 {"name":"session","type":"string"},{"name":"number","type":"int"},
                 {"name":"one","type":"string"},{"name":"two","type":"string"},
                 {"name":"three","type":"string"}]}}}
            """
    }
}
