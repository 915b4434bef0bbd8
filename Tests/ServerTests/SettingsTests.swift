import Foundation
import Testing

@testable import Server

@Suite("Settings")
struct SettingsTests {
    private func load(
        file: String? = nil, environment: [String: String] = [:], overrides: [String: String] = [:]
    ) throws -> ServerSettings {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        if let file { try Data(file.utf8).write(to: directory.appending(path: "strm.json")) }
        return try ServerSettings.load(
            directory: directory.path, overrides: overrides, environment: environment)
    }

    @Test(
        "flags win over the environment, that over the file, that over the default"
    )
    func precedence() throws {
        let file = "{\"http\":{\"port\":1001,\"host\":\"::1\"},\"billingId\":\"file\"}"
        let environment = [
            "STRM_HTTP_PORT": "1002", "STRM_BILLING_ID": "environment", "HTTP_PORT": "9",
        ]
        let settings = try load(
            file: file, environment: environment, overrides: ["http.port": "1003"])
        #expect(settings.http.port == 1_003)
        #expect(settings.billingID == "environment")
        #expect(settings.http.host == "::1")
        #expect(settings.limits.retentionDays == 7)
    }

    @Test("every key can be set by the environment, and is in docs/configuration.md")
    func everyKey() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        for key in SettingsReader.keys {
            #expect(page.contains("| `\(key)` |"), "\(key)")
            let name = "STRM_" + ServerSettings.environmentName(of: key)
            #expect(page.contains("`\(name)`"), "\(name)")
            // An empty value is never a good one: that it is refused shows that it is read.
            #expect(throws: SettingsError.self, "\(key)") { try load(environment: [name: ""]) }
        }
        let documented = page.matches(of: /\n\| `([a-zA-Z.]+)` \|/).map { String($0.1) }
        #expect(Set(documented) == Set(SettingsReader.keys))
    }

    static let mistakes: [(file: String, key: String)] = [
        ("{\"http\":{\"prot\":1}}", "http.prot"), ("{\"http\":{\"port\":\"80\"}}", "http.port"),
        ("{\"http\":{\"port\":80.5}}", "http.port"), ("{\"http\":{\"port\":70000}}", "http.port"),
        ("{\"http\":{\"port\":null}}", "http.port"), ("{\"billingId\":5}", "billingId"),
        ("{\"masterKey\":\"/etc/key\"}", "masterKey"),
        ("{\"log\":{\"level\":\"loud\"}}", "log.level"),
        ("{\"http\":{\"tls\":{\"certificate\":\"a.pem\"}}}", "http.tls.certificate"),
        ("{\"http\":{\"allowInsecureRemote\":\"yes!\"}}", "http.allowInsecureRemote"),
        ("{\"limits\":[1]}", "limits"),
    ]

    @Test("a mistake in the file is an error that names the key", arguments: mistakes)
    func mistake(_ mistake: (file: String, key: String)) {
        #expect { try load(file: mistake.file) } throws: { error in
            switch error as? SettingsError {
            case .invalid(let key, _): key == mistake.key
            case .unknown(let key, _): key == mistake.key
            default: false
            }
        }
    }

    @Test("a file that is no JSON object, and an unknown flag, are refused")
    func malformed() {
        for file in ["", "[]", "{", "{\"a\":1,\"a\":2}"] {
            #expect(throws: SettingsError.self) { try load(file: file) }
        }
        #expect(throws: SettingsError.unknown(key: "http.prot", file: "command line")) {
            try load(overrides: ["http.prot": "1"])
        }
    }

    @Test("the master key's place is written as file, environment or command")
    func custody() {
        #expect(MasterKeyCustody("file:/k") == .file("/k"))
        #expect(MasterKeyCustody("environment:KEY") == .environment("KEY"))
        #expect(MasterKeyCustody("command:age -d k.age") == .command(["age", "-d", "k.age"]))
        for wrong in ["", "file", "file:", "command: ", "kms:x", "/k"] {
            #expect(MasterKeyCustody(wrong) == nil)
        }
    }
}
