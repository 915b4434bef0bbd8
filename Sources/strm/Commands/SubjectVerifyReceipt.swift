import ArgumentParser
import AuditProof
import Foundation

struct SubjectVerifyReceipt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-receipt",
        abstract: "Check the receipt of an erasure, offline.",
        usage: "strm subject verify-receipt <file> [--key <key> ...] [options]",
        discussion: """
            The receipt is signed by the key of the audit log, under a name of its own. The key is \
            what strm init printed, or a line of GET /v1/audit/verifier-key; after a rotation give \
            the key of then, or all. On the machine where strm init ran it is found by itself.

            EXAMPLE
              strm subject verify-receipt receipt.json --key verifier-key
            """)

    static let keyName = "streammachine.dev/receipts"

    @Argument(help: "The receipt; - is standard input.") var file: String
    @Option(
        help: ArgumentHelp(
            "The log's verifier key, or a file with one or more; repeatable.", valueName: "key"))
    var key: [String] = []
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try verifierKeys()
        let bytes = try InputFile.read(file)
        let receipt: CanonicalJSON
        let signer: VerifierKey
        do {
            (receipt, signer) = try SignedDocument.verify(bytes, named: "receipt", keys: keys)
        } catch {
            throw CommandFailure(.failed, "NOT GENUINE: \(error)")
        }
        guard receipt["kind"]?.string == "erasure" else {
            throw CommandFailure(.failed, "signed, but not the receipt of an erasure")
        }
        let value = try JSONValue(parsing: Array(receipt.text.utf8))
        switch output.output {
        case .json:
            Terminal.print(
                JSONValue.object([
                    "isGenuine": .boolean(true), "key": .string(signer.description),
                    "receipt": value,
                ]).text())
        case .table: show(value, signer)
        }
    }

    /// The keys as they sign receipts.
    private func verifierKeys() throws(CommandFailure) -> [VerifierKey] {
        var texts: [String] = []
        for key in key {
            texts +=
                FileManager.default.fileExists(atPath: key)
                ? Self.lines(String(decoding: try InputFile.read(key), as: UTF8.self))
                : [key]
        }
        if key.isEmpty {
            let url = try ServerURL.chosen(server)
            guard let pinned = try CredentialStore.standard().entries(for: url).auditVerifierKey
            else {
                throw CommandFailure(
                    .notPermitted, "no key is stored for \(url)",
                    next: "--key with what strm init printed: name+hash+base64")
            }
            texts = [pinned]
        }
        var keys: [VerifierKey] = []
        for text in texts {
            do {
                let named = try VerifierKey(text)
                keys.append(try VerifierKey(name: Self.keyName, publicKey: named.publicKey))
            } catch {
                throw CommandFailure(
                    .failed, "this is not a verifier key: \(error)",
                    next: "--key with what strm init printed: name+hash+base64")
            }
        }
        return keys
    }

    /// The first word of each line: what stands behind a key says since when it signs.
    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            line.split(separator: " ").first.map(String.init)
        }
    }

    private func show(_ receipt: JSONValue, _ signer: VerifierKey) {
        let destroyed = receipt["destroyed"]
        let custody = receipt["custody"]
        var lines = ["erasure", "reference", "person", "requestedAt", "destroyedAt", "issuedAt"]
            .compactMap { name -> (String, String)? in
                guard let value = receipt[name], value != .null else { return nil }
                return (Table.words(name), value.cell)
            }
        lines += [
            ("streams", receipt["streams"]?.cell ?? ""),
            ("data keys", destroyed?["dataKeys"]?.cell ?? ""),
            ("master key", custody?["masterKey"]?.cell ?? ""),
            ("master key renewed", custody?["masterKeyRenewed"]?.cell ?? ""),
            ("signed by", signer.description),
        ]
        Terminal.print(Table.card(lines))
        var table = Table([
            "recipient", "role", "from", "purposes", "fields", "events", "firstAt", "lastAt",
            "objects",
        ])
        for item in receipt["recipients"]?["items"]?.array ?? [] {
            let source = item["derivedStream"] == .null ? item["stream"] : item["derivedStream"]
            table.add(
                [item["client"], item["role"], source].map { $0?.cell ?? "" }
                    + ["purposes", "fields", "events", "firstAt", "lastAt", "objects"].map {
                        item[$0]?.cell ?? ""
                    })
        }
        Terminal.print("\n" + table.text)
        Terminal.print("\nnot covered:")
        for limit in receipt["notCovered"]?.array ?? [] {
            Terminal.print("- " + Table.printable(limit["text"]?.string ?? ""))
        }
        Terminal.print("\ngenuine")
    }
}
