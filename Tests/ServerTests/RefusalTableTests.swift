import Foundation
import Testing

@testable import Server

/// Tables of events with the exact problem document that each gets.
struct RefusalTableTests {
    private struct Malformed: Error {}

    private struct Case {
        let about: String
        let event: [String: Any]
        /// Nil: the event is accepted.
        let problem: [String: Any]?

        /// The event on one line.
        func line() throws -> String {
            let bytes = try JSONSerialization.data(withJSONObject: event)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The contract and the cases of a file in `Data/`.
    private static func table(_ name: String) throws -> (contract: String, cases: [Case]) {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let bytes = try Data(contentsOf: folder.appending(path: "Data/\(name)"))
        guard let root = try JSONSerialization.jsonObject(with: bytes) as? [String: Any],
            let contract = root["contract"], let rows = root["cases"] as? [[String: Any]]
        else { throw Malformed() }
        let cases = try rows.map { row in
            guard let about = row["about"] as? String, let event = row["event"] as? [String: Any]
            else { throw Malformed() }
            return Case(about: about, event: event, problem: row["problem"] as? [String: Any])
        }
        let document = try JSONSerialization.data(withJSONObject: contract)
        return (String(decoding: document, as: UTF8.self), cases)
    }

    private static func isEqual(_ one: [String: Any], _ other: [String: Any]) -> Bool {
        NSDictionary(dictionary: one) == NSDictionary(dictionary: other)
    }

    @Test(arguments: ["validations.json", "json-schema.json"])
    func `each event of a table gets the problem document that stands beside it`(
        name: String
    ) async throws {
        let (contract, cases) = try Self.table(name)
        try await TestServer.with { server in
            try await server.makeContract(contract)
            let token = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
            for each in cases {
                let sent = try await server.client.post(
                    "/event", token: token, json: try each.line())
                if let problem = each.problem {
                    #expect(sent.status == 400, "\(each.about)")
                    #expect(sent.header("content-type") == "application/problem+json")
                    #expect(Self.isEqual(sent.json, problem), "\(each.about): \(sent.text)")
                } else {
                    #expect(sent.status == 204, "\(each.about): \(sent.text)")
                }
            }
        }
    }

    @Test(arguments: ["validations.json", "json-schema.json"])
    func `in a batch each refused line says the same as the event alone`(
        name: String
    ) async throws {
        let (contract, cases) = try Self.table(name)
        try await TestServer.with { server in
            try await server.makeContract(contract)
            let token = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
            let lines = try cases.map { try $0.line() }.joined(separator: "\n")
            let sent = try await server.client.post(
                "/events", token: token, json: lines, type: "application/x-ndjson")
            #expect(sent.status == 200)
            #expect(sent.json["accepted"] as? Int == cases.count { $0.problem == nil })
            let refused = sent.json["refused"] as? [[String: Any]] ?? []
            let expected = cases.enumerated().compactMap { index, each in
                each.problem.map { problem in
                    var line = problem
                    line["title"] = nil
                    line["status"] = nil
                    line["line"] = index + 1
                    return line
                }
            }
            #expect(refused.count == expected.count)
            for (got, wanted) in zip(refused, expected) {
                #expect(Self.isEqual(got, wanted), "\(got) instead of \(wanted)")
            }
        }
    }
}
