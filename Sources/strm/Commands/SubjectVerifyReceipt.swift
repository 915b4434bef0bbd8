import ArgumentParser
import AuditProof
import Foundation

struct SubjectVerifyReceipt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-receipt",
        abstract: "Check the receipt of an erasure, offline.",
        usage:
            "strm subject verify-receipt <file> [--key <key> ...] [--export <directory>] [options]",
        discussion: """
            The receipt is signed by the key of the audit log, under a name of its own. The key is \
            what strm init printed, or a line of strm audit keys; if the log changed its key, give \
            all of them, or an export with --export. On the machine where strm init ran it is \
            found by itself.

            EXAMPLE
              strm subject verify-receipt receipt.json --key verifier-key
            """)

    static let keyName = "streammachine.dev/receipts"

    @Argument(help: "The receipt; - is standard input.") var file: String
    @OptionGroup var keys: LogKeyOptions
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try keys.keys(at: server).named(Self.keyName)
        let bytes = try InputFile.read(file)
        let receipt: CanonicalJSON
        let signer: VerifierKey
        do {
            (receipt, signer) = try SignedDocument.verify(bytes, named: "receipt", keys: keys)
        } catch .unknownKey(let key) {
            throw LogKeys.unknown([key])
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
        let recipients = receipt["recipients"]
        if recipients?["isKnown"] == .boolean(false) || recipients?["isPartial"] == .boolean(true) {
            Terminal.print("Perhaps others too: not all sequences were known any more.")
        }
        Terminal.print("\nnot covered:")
        for limit in receipt["notCovered"]?.array ?? [] {
            Terminal.print("- " + Table.printable(limit["text"]?.string ?? ""))
        }
        Terminal.print("\ngenuine")
    }
}
