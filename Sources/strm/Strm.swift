import ArgumentParser
import Foundation

/// The command line of Stream Machine: the server and everything a person does with it.
@main
struct Strm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strm",
        abstract: "An event store that keeps personal data sealed.",
        discussion: """
            A first tour, one command a line:

              strm init
              strm serve
              strm create client dpo
              strm set purpose 0 --name Service --description "Running the shop" \
                --legal-basis contract --owner Shop          and so on for level 1
              strm create contract clickstream.json --activate
              strm create stream demo
              strm create stream --derived-from demo --levels 0,1 --approve
              strm simulate demo
              strm listen demo-0-1

            Events are JSON on standard output; everything else is a table, or JSON with \
            --output json. Messages go to standard error.

            EXIT STATUS
              0   done
              1   refused or failed; the message says why
              64  wrong usage
              65  a contract that was named is not valid (contract diff, validate)
              66  a file that was named cannot be read
              69  the server cannot be reached
              75  the server is overloaded or stopping: try again
              77  not permitted, or no credentials for it
              78  the configuration or the data directory is not usable

            ENVIRONMENT
              STRM_SERVER  the server to talk to (default \(ServerURL.standard))
              STRM_HOME    where credentials are kept (default ~/.config/strm)
              STRM_DATA    the data directory (default ./strm-data)
            """,
        version: StrmVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Server",
                subcommands: [
                    Init.self, Serve.self, Status.self,
                    KeysCommand.self, Confirm.self,
                ]),
            CommandGroup(
                name: "Contracts, streams, purposes, clients and exporters",
                subcommands: [
                    Create.self, Get.self, List.self, Delete.self, Update.self, Define.self,
                    ContractCommand.self, CredentialsCommand.self,
                ]),
            CommandGroup(
                name: "Approval",
                subcommands: [
                    Review.self, DryRun.self, Approve.self, Reject.self, Activate.self,
                    Archive.self,
                    Reactivate.self,
                ]),
            CommandGroup(
                name: "Events",
                subcommands: [
                    Validate.self, Send.self, Simulate.self, Listen.self, Rejections.self,
                ]),
            CommandGroup(
                name: "Exports to buckets",
                subcommands: [
                    Test.self, Rotate.self, Pause.self, Resume.self, Allow.self, Forbid.self,
                ]),
            CommandGroup(name: "Keys", subcommands: [KeysCommand.self]),
            CommandGroup(
                name: "Backups", subcommands: [BackupCommand.self, Restore.self]),
            CommandGroup(name: "People", subcommands: [SubjectCommand.self]),
            CommandGroup(name: "Audit", subcommands: [AuditCommand.self]),
            CommandGroup(name: "Proof", subcommands: [Prove.self]),
            CommandGroup(name: "Measuring", subcommands: [Bench.self]),
        ])

    /// Parses, runs, and turns a ``CommandFailure`` into its message and exit status; everything
    /// else is left to swift-argument-parser (usage errors end with 64).
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            Terminal.complain(failure)
            Foundation.exit(failure.status.rawValue)
        } catch is CancellationError {
            Foundation.exit(0)
        } catch {
            Strm.exit(withError: error)
        }
    }
}

enum StrmVersion {
    static let text = "0.1.0"
}
