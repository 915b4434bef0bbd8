import Configuration
import FoundationEssentials

extension ServerSettings {
    /// Reads `<directory>/strm.json` (which may be missing), then the environment, then
    /// `overrides`; the later wins.
    /// - Parameters:
    ///   - overrides: key (`http.port`) → text, from the command line.
    ///   - environment: variables `STRM_HTTP_PORT`; others are ignored.
    /// - Throws: `SettingsError`; an unknown key in the file or the overrides is one, so that a
    ///   misspelt limit is not silently without effect.
    package static func load(
        directory: String, overrides: [String: String] = [:], environment: [String: String]
    ) throws(SettingsError) -> ServerSettings {
        let path = "\(directory)/strm.json"
        for key in overrides.keys where !SettingsReader.keys.contains(key) {
            throw .unknown(key: key, file: "command line")
        }
        let texts = Dictionary(
            uniqueKeysWithValues: overrides.map { (environmentName(of: $0.key), $0.value) })
        // Keys reach the providers without a prefix; the environment's own prefix is cut off here,
        // so that HTTP_PORT, which other programs use, is never ours.
        let ours = environment.compactMap { name, value -> (String, String)? in
            name.hasPrefix("STRM_") ? (String(name.dropFirst(5)), value) : nil
        }
        let reader = ConfigReader(providers: [
            EnvironmentVariablesProvider(environmentVariables: texts),
            EnvironmentVariablesProvider(
                environmentVariables: Dictionary(ours, uniquingKeysWith: { first, _ in first })),
            InMemoryProvider(name: path, values: try fileValues(at: path)),
        ])
        return try ServerSettings(reader: reader, directory: directory)
    }

    /// `http.allowInsecureRemote` → `HTTP_ALLOW_INSECURE_REMOTE` (without the prefix `STRM_`).
    package static func environmentName(of key: String) -> String {
        var name = ""
        for character in key {
            if character == "." {
                name.append("_")
            } else if character.isUppercase {
                name.append("_\(character)")
            } else {
                name.append(character.uppercased())
            }
        }
        return name
    }

    private static func fileValues(
        at path: String
    ) throws(SettingsError) -> [AbsoluteConfigKey: ConfigValue] {
        let bytes: [UInt8]
        do {
            guard FileManager.default.fileExists(atPath: path) else { return [:] }
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw .unreadable(file: path, reason: "cannot be read")
        }
        let root: WireValue
        do {
            root = try WireParser.parse(bytes)
        } catch {
            throw .unreadable(file: path, reason: error.description)
        }
        guard case .object(let members) = root else {
            throw .unreadable(file: path, reason: "expected a JSON object")
        }
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        try flatten(members, under: [], file: path, into: &values)
        return values
    }

    private static func flatten(
        _ members: [(name: String, value: WireValue)], under prefix: [String], file: String,
        into values: inout [AbsoluteConfigKey: ConfigValue]
    ) throws(SettingsError) {
        for (name, value) in members {
            let components = prefix + [name]
            let key = components.joined(separator: ".")
            let content: ConfigContent
            switch value {
            case .object(let inner):
                try flatten(inner, under: components, file: file, into: &values)
                continue
            case .string(let text): content = .string(text)
            case .integer(let number): content = .int(Int(number))
            case .number(let number): content = .double(number)
            case .bool(let flag): content = .bool(flag)
            case .null, .array, .json:
                throw .invalid(key: key, expected: "a text, a number, true or false")
            }
            guard SettingsReader.keys.contains(key) else { throw .unknown(key: key, file: file) }
            values[AbsoluteConfigKey(components)] = ConfigValue(content, isSecret: false)
        }
    }
}
