import ArgumentParser

/// `strm keys …`: the custody of the keys. No command shows a key.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "How the keys are kept, what was destroyed and when; open a sealed server.",
        subcommands: [
            KeysStatus.self,
            KeysExpiry.self,
            KeysUnseal.self,
            KeysRotateMaster.self,
            KeysRotateSigning.self,
        ])
}
