import AuditProof
import Foundation
import Server

/// What `strm prove` found, as a document:
///
///     {"note": "<the server's signed note>", "result": {…}, "verifierKey": "<of the note>"}
///
/// The note's second line holds the SHA-256 of `result` in canonical form: members sorted by name,
/// no white space, UTF-8, whole numbers only. It never holds a marker, nor what stands beside one.
struct ProofResult {
    enum Verdict: String {
        case clean, leak, inconclusive

        var exitStatus: Int32 {
            switch self {
            case .clean: 0
            case .leak: 1
            case .inconclusive: 2
            }
        }
    }

    static let format = "strm-proof-result v1"
    static let keyName = "streammachine.dev/proofs"
    private static let listMax = 1_000

    let verdict: Verdict
    let json: JSONValue

    /// - Parameter expected: what must have been driven, and then nothing may be left out; nil: what
    ///   the node does not allow is left out.
    init(
        _ run: ProofRun, _ search: ProofSearch, mode: String, startedAt: Date,
        needsTables: Bool, expected: Set<String>?, crashes: [String], remaining: [String]
    ) {
        var doubts = search.doubts(needsTables: needsTables)
        if let expected {
            doubts += ProofCoverage.doubts(
                expected: expected, driven: Set(run.driven.keys), leftOut: run.leftOut,
                failed: Set(run.failed.keys))
        }
        doubts += run.failed.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        if run.openedCount == 0 { doubts.append("no reader got a marker: nothing was opened") }
        let leaks = search.leaks
        verdict = !leaks.isEmpty ? .leak : doubts.isEmpty ? .clean : .inconclusive
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        func counts(_ values: [String: Int]) -> JSONValue { .object(values.mapValues(number)) }
        func texts(_ values: [String]) -> JSONValue {
            .array(values.prefix(Self.listMax).map { .string(run.redacted($0)) })
        }
        let kinds = Dictionary(grouping: run.markers, by: \.kind.rawValue).mapValues(\.count)
        json = .object([
            "format": .string(Self.format), "program": .string(StrmVersion.text),
            "mode": .string(mode), "server": .string(run.server.description),
            "startedAt": .string(Timestamp.text(Int64(startedAt.timeIntervalSince1970 * 1000))),
            "endedAt": .string(Timestamp.text(Int64(Date().timeIntervalSince1970 * 1000))),
            "verdict": .string(verdict.rawValue), "doubts": texts(doubts),
            "driven": counts(run.driven),
            "expected": texts((expected ?? []).sorted()),
            "leftOut": .object(
                run.leftOut.mapValues { .string($0) }),
            "crashes": .array(crashes.map { .string($0) }), "markers": counts(kinds),
            "openedToReaders": number(run.openedCount),
            "searched": .object(search.search.tallies.mapValues(Self.shown)),
            "places": .object(
                search.placesSeen.filter { !$0.value.path.isEmpty }
                    .mapValues { .string(run.redacted($0.path)) }),
            "controls": counts(search.controls), "releasedByRight": counts(search.released),
            "leaks": number(leaks.map(\.count).reduce(0, +)),
            "hits": .array(leaks.prefix(Self.listMax).map { Self.shown($0, run) }),
            "process": Self.shown(search),
            "remaining": texts(remaining),
        ])
    }

    private static func shown(_ tally: LeakSearch.Tally) -> JSONValue {
        .object([
            "files": .integer(Int64(tally.files)), "bytes": .integer(Int64(tally.bytes)),
            "expanded": .integer(Int64(tally.expanded)),
            "unchanged": .integer(Int64(tally.unchanged)),
            "vanished": .integer(Int64(tally.vanished)),
            "unreadable": .integer(Int64(tally.unreadable.count)),
        ])
    }

    private static func shown(_ leak: ProofSearch.Leak, _ run: ProofRun) -> JSONValue {
        .object([
            "path": .string(leak.path), "kind": .string(leak.kind.rawValue),
            "place": .string(leak.place), "in": .string(run.redacted(leak.name)),
            "form": .string(leak.form.rawValue), "offset": .integer(Int64(leak.offset)),
            "isExpanded": .boolean(leak.isExpanded), "count": .integer(Int64(leak.count)),
        ])
    }

    private static func shown(_ search: ProofSearch) -> JSONValue {
        guard let process = search.process else { return .null }
        var members = process.settings.mapValues { JSONValue.string($0) }
        members["pid"] = .integer(Int64(process.identifier))
        members["isDumpable"] = search.isDumpable.map { .boolean($0) } ?? "unknown"
        members["searched"] = .array(process.texts.map { .string($0.name) })
        members["notReadable"] = .array(process.unreadable.map { .string($0) })
        return .object(members)
    }

    // MARK: Signing and verifying

    /// Has the server put it on record and sign that.
    /// - Returns: the whole document.
    func signed(by run: ProofRun) async throws -> JSONValue {
        let reply = try await run.ask(
            .audit, "POST", "/v1/proofs",
            json: .object([
                "sha256": .string(try Self.hash(json)), "verdict": .string(verdict.rawValue),
            ]))
        try reply.check("record the proof")
        let answer = try reply.json()
        return .object([
            "note": answer["note"] ?? .null, "result": json,
            "verifierKey": answer["verifierKey"] ?? .null,
        ])
    }

    /// Of the canonical form, whatever the layout in the file.
    private static func hash(_ result: JSONValue) throws -> String {
        hash(try CanonicalJSON.parse(Array(result.text(pretty: false).utf8)))
    }

    private static func hash(_ result: CanonicalJSON) -> String {
        DocumentHash.sha256(Array(result.text.utf8))
    }

    /// Checks a document without asking anybody.
    /// - Returns: the lines that the server signed.
    static func verify(
        _ document: CanonicalJSON, keys: [VerifierKey]
    ) throws(CommandFailure) -> [String] {
        guard case .object(let members) = document, let note = document["note"]?.string,
            let result = document["result"], Set(members.keys) == ["note", "result", "verifierKey"]
        else { throw CommandFailure(.failed, "this is no proof: it has other members") }
        let signed: SignedNote
        do {
            signed = try SignedNote(parsing: Array(note.utf8))
            let named = try keys.map { key throws(NoteError) in try key.renamed(keyName) }
            let signers = LogKeys.signers(Array(note.utf8))
            guard let key = named.first(where: { signers.contains($0.identity) }) else {
                throw LogKeys.unknown(signers)
            }
            try signed.verify(with: key)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.failed, "NOT GENUINE: \(error)")
        }
        let lines = signed.text.split(separator: "\n").map(String.init)
        guard lines.count == 6, lines[0] == "strm-proof v1" else {
            throw CommandFailure(.failed, "NOT GENUINE: the note is not one of a proof")
        }
        guard lines[1] == "sha256 \(hash(result))" else {
            throw CommandFailure(.failed, "NOT GENUINE: the result is not the one that was signed")
        }
        guard let verdict = result["verdict"]?.string, lines[2] == "verdict \(verdict)" else {
            throw CommandFailure(.failed, "NOT GENUINE: the verdict is not the one that was signed")
        }
        return lines
    }
}
