import Foundation
import Server

/// What is done about one person, and about the whole store: questions, erasures, backups. A server
/// whose version has no such route leaves the path out.
extension ProofRun {
    private static let secondsMax = 120
    /// A data protection officer.
    private var officer: Purpose { .releaseKeys }

    /// - Parameter erases: also erases the person, which rewraps keys of others: not on a node that is
    ///   in use.
    func askAboutPeople(erases: Bool) async {
        let person = event("subject.access")
        await drive("event.person") {
            try expect(try await ask(sending, "POST", "/event", body: person.line), 204)
        }
        await drive("subject.links") {
            keep(try await ask(about: person, "/v1/subjects/links"), "subject.links")
        }
        await drive("subject.access") {
            // The document is the person's: all of theirs is in it, opened.
            let reply = try await ask(about: person, "/v1/subjects/access")
            let body = String(decoding: reply.body, as: UTF8.self)
            let seen = markers.count {
                $0.path.hasPrefix("subject.access ") && body.contains($0.text)
            }
            guard seen > 1 else { throw ProofGap("the document does not hold the person's marks") }
            noteOpened(seen)
        }
        guard erases else { return }
        await drive("subject.erased") {
            let reply = try await ask(
                about: person, "/v1/subjects/erasures",
                ["now": .boolean(true), "reference": "strm-prove"])
            keep(reply, "subject.erased")
        }
        await drive("erasures.listed") {
            let reply = try await ask(officer, "GET", "/v1/erasures")
            try expect(known(reply), 200)
            keep(reply, "erasures.listed")
        }
    }

    private func ask(
        about person: ProofEvent, _ path: String, _ more: [String: JSONValue] = [:]
    ) async throws -> Reply {
        let body = JSONValue.object([
            "subject": .string(person.email), "streams": .array([.string(name)]),
        ])
        let reply = try await ask(officer, "POST", path, json: body.merging(.object(more)))
        try expect(known(reply), 200, 202)
        return reply
    }

    /// Returns when it is there and was checked by the server.
    func backUp() async {
        await drive("backup.made") {
            let started = try await ask(.manage, "POST", "/v1/backups")
            try expect(known(started), 202)
            guard let backup = try started.json()["name"]?.string else {
                throw ProofGap("the backup has no name")
            }
            for _ in 0..<Self.secondsMax * 10 {
                let reply = try await ask(.manage, "GET", "/v1/backups/\(backup)")
                try expect(reply, 200)
                switch try reply.json()["state"]?.string {
                case "making"?: try await Task.sleep(for: .milliseconds(100))
                case "whole"?: return
                default: throw ProofGap("the backup failed")
                }
            }
            throw ProofGap("the backup does not end")
        }
    }

    /// A path that no route has.
    private func known(_ reply: Reply) throws(CommandFailure) -> Reply {
        guard reply.status == 404,
            let problem = try? reply.json(),
            problem["detail"]?.string?.hasPrefix("No route") == true
        else { return reply }
        throw CommandFailure(.notPermitted, "this version of the server has no such route")
    }
}
