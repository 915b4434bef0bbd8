import ArgumentParser

/// `strm keys …`: the keys of the installation.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "The keys of the installation.",
        subcommands: [
            KeysRotateSigning.self
        ])
}
