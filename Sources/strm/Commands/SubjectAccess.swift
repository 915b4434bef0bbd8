import ArgumentParser
import Foundation

struct SubjectAccess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access",
        abstract: "Write down everything that is held about a person, as one JSON document.",
        discussion: """
            Events with every field opened whose key is there, the levels that they consented to, \
            contracts, purposes with their legal basis, when each event expires, and who received \
            it when. Events of other people in a shared sequence are left out. The document holds \
            personal data in clear: keep it where it may be. Each part is on record in the audit \
            log before it leaves the server.

            EXAMPLE
              strm subject access --subject-file person.txt > held.json
              strm subject access --subject-file person.txt --from 30d | jq .recipients
            """)

    @OptionGroup(title: "Person") var subject: SubjectOptions
    @Option(
        help: ArgumentHelp("Only events since 15m (ago), 2h, 7d or a time.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Only events before this time.", valueName: "time"))
    var to: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    mutating func validate() throws {
        for time in [from, to].compactMap({ $0 }) where Timestamp.parse(time, now: Date()) == nil {
            throw ValidationError("'\(time)' is no time: 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
        }
    }

    func run() async throws {
        var body = try subject.members()
        let now = Date()
        for (name, text) in [("from", from), ("to", to)] {
            if let text, let time = Timestamp.parse(text, now: now) {
                body[name] = .string(Timestamp.text(time))
            }
        }
        var document = AccessDocument()
        try await ServerClient.with(connection, .subjects) { [body] client in
            var body = body
            while true {
                let reply = try await client.request(
                    "POST", "/v1/subjects/access", json: .object(body), timeoutSeconds: 600)
                try reply.check("read what is held about a person")
                let part = try reply.json()
                document.add(part)
                guard let cursor = part["nextCursor"]?.string else { break }
                body["cursor"] = .string(cursor)
            }
        }
        document.end()
    }
}

/// Joins the parts; prints events as they come, so that memory is that of one part.
private struct AccessDocument {
    private var events = 0
    private var contracts: [String: JSONValue] = [:]
    private var consents: [[String: JSONValue]] = []
    private var passedOver: [String: Int64] = [:]

    mutating func add(_ part: JSONValue) {
        if events == 0, let head = part["head"], case .object(let members) = head {
            Terminal.print("{")
            for name in ["person", "at"] { Self.member(name, part[name] ?? .null) }
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                Self.member(name, value)
            }
            Terminal.print("\"events\": [")
        }
        for event in part["events"]?.array ?? [] {
            Terminal.print((events > 0 ? "," : "") + event.text(pretty: false))
            events += 1
        }
        for contract in part["contracts"]?.array ?? [] {
            contracts[contract["contract"]?.string ?? ""] = contract
        }
        for case .object(let consent) in part["consents"]?.array ?? [] { add(consent) }
        if case .object(let counts)? = part["passedOver"] {
            // Wraps rather than ends the program, if a strange server answers huge numbers.
            for (name, count) in counts { passedOver[name, default: 0] &+= count.integer ?? 0 }
        }
    }

    /// A stretch that goes on in the next part is one.
    private mutating func add(_ consent: [String: JSONValue]) {
        guard let last = consents.indices.last, consents[last]["stream"] == consent["stream"],
            consents[last]["levels"] == consent["levels"]
        else { return consents.append(consent) }
        consents[last]["to"] = consent["to"]
        let sum =
            (consents[last]["events"]?.integer ?? 0) &+ (consent["events"]?.integer ?? 0)
        consents[last]["events"] = .integer(sum)
    }

    func end() {
        Terminal.print("],")
        Self.member("consents", .array(consents.map(JSONValue.object)))
        Self.member(
            "contracts", .array(contracts.sorted { $0.key < $1.key }.map(\.value)))
        Self.member("eventCount", .integer(Int64(events)))
        Terminal.print(
            "\"passedOver\": "
                + JSONValue.object(passedOver.mapValues(JSONValue.integer)).text(pretty: false)
                + "\n}")
        Terminal.note("\(events) events")
    }

    private static func member(_ name: String, _ value: JSONValue) {
        Terminal.print("\"\(name)\": \(value.text(pretty: false)),")
    }
}
