import Server

/// Why `init` or `serve` ended, in the words of the command line.
enum ServerFailure {
    static func explain(_ error: any Error, data: String?) -> CommandFailure {
        if let failure = error as? CommandFailure { return failure }
        if let error = error as? SettingsError {
            return CommandFailure(
                .notConfigured, error.description, next: "docs/configuration.md lists all settings")
        }
        return CommandFailure(.notConfigured, "\(error)")
    }
}
