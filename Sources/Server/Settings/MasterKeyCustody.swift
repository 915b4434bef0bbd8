package import Vault

/// Where the master key comes from, as an operator writes it: `file:PATH`, `environment:NAME` or
/// `command:PROGRAM ARG…`.
package enum MasterKeyCustody: Sendable, Equatable, CustomStringConvertible {
    /// A file that only its owner may read (mode 0600). Made by `strm init` if it is missing.
    case file(String)
    /// An environment variable that holds 32 bytes in base64 or as 64 hexadecimal digits.
    case environment(String)
    /// A program and its arguments; its standard output is the key. It is run once at start,
    /// without a shell.
    case command([String])

    /// - Returns: nil if the text has none of the three forms or nothing after the colon.
    package init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = String(text[text.index(after: colon)...])
        guard !value.isEmpty else { return nil }
        switch text[..<colon] {
        case "file": self = .file(value)
        case "environment", "env": self = .environment(value)
        case "command":
            let words = value.split(separator: " ").map(String.init)
            guard !words.isEmpty else { return nil }
            self = .command(words)
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .file(let path): "file:\(path)"
        case .environment(let name): "environment:\(name)"
        case .command(let words): "command:\(words.joined(separator: " "))"
        }
    }

    /// The same for a process that runs elsewhere: a relative path of a file is one below `directory`.
    package func absolute(in directory: String) -> MasterKeyCustody {
        switch self {
        case .file(let path) where !path.hasPrefix("/"): .file("\(directory)/\(path)")
        case .file, .environment, .command: self
        }
    }

    package var source: MasterKeySource {
        switch self {
        case .file(let path): .file(path)
        case .environment(let name): .environment(name)
        case .command(let words): .command(words)
        }
    }
}
