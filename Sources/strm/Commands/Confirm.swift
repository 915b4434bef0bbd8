import ArgumentParser

/// `strm confirm clock`.
struct Confirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say that what the server doubts is right.",
        subcommands: [ConfirmClock.self])
}

struct ConfirmClock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clock",
        abstract: "Say that the server's clock is right: what is due is destroyed from then on.",
        discussion: """
            A clock that leaps ahead by more than an hour puts all destruction on hold, since a bad \
            time server must not erase the store. Look at the clock (date -u) before you confirm \
            it: what is due by it is destroyed for good within a minute. It is on record. The hold \
            outlives restarts; after a boot of the machine the clock may need a confirmation too \
            (docs/cli.md).

            EXAMPLE
              strm confirm clock
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request("POST", "/v1/clock/confirm")
            try reply.check("confirm the clock")
        }
        Terminal.note("confirmed; strm keys expiry tells what is due")
    }
}
