import Foundation
import Logging
import Synchronization
import Testing

@testable import Server

@Suite("Copies that lie in what they are of")
struct MisplacedCopyTests {
    struct Mistake: Sendable {
        var settings: [String: String]
        var inside: String
        var key: String { settings["backups.directory"] == nil ? escrow : "backups.directory" }
    }

    private static let mistakes = [
        Mistake(settings: [escrow: "/k//keys/./inside"], inside: "/k/keys"),
        Mistake(settings: [escrow: "/none/data/escrow"], inside: "/none/data"),
        Mistake(settings: ["backups.directory": "/k/keys/backups"], inside: "/k/keys"),
        Mistake(settings: ["backups.directory": "/none/data"], inside: "/none/data"),
        Mistake(settings: ["backups.directory": "/none/x/../data/b/"], inside: "/none/data"),
        Mistake(
            settings: [escrow: "/e/escrow", "backups.directory": "/e/escrow/b"],
            inside: "/e/escrow"),
    ]

    private func load(_ settings: [String: String]) throws -> BackupSettings {
        let keyring = ["keyring.directory": "/k/keys"]
        return try ServerSettings.load(
            directory: "/none/data", overrides: settings.merging(keyring) { $1 }, environment: [:]
        ).backups
    }

    private static func isRefusal(of key: String, _ error: any Error) -> Bool {
        if case .invalid(key, _)? = error as? SettingsError { true } else { false }
    }

    /// What is logged while `body` runs.
    private func logged(_ body: (Logger) async throws -> Void) async throws -> [String] {
        let lines = Mutex<[String]>([])
        let settings = try ServerSettings.load(directory: "/none/data", environment: [:]).log
        try await body(
            Logger(label: "strm") { label in
                StreamLogHandler(label: label, settings: settings, clock: { 0 }) { line in
                    lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                }
            })
        return lines.withLock { $0 }
    }

    @Test("are accepted by a server, named with both paths, and refused where one is made anew")
    func misplaced() throws {
        for mistake in Self.mistakes {
            let settings = try load(mistake.settings)
            let copy = try #require(settings.misplaced.first)
            #expect(settings.misplaced.count == 1)
            #expect(copy.key == mistake.key)
            #expect(copy.path == mistake.settings[mistake.key])
            #expect(copy.directory == mistake.inside)
            #expect {
                try settings.expectApart()
            } throws: {
                Self.isRefusal(of: mistake.key, $0)
            }
        }
    }

    @Test("are refused everywhere if the escrow is the keyring, however it is written")
    func sameDirectory() {
        for path in ["/k/keys", "/k/keys/", "/k/other/../keys", "/k//./keys"] {
            #expect {
                try load([escrow: path])
            } throws: {
                Self.isRefusal(of: escrow, $0)
            }
        }
    }

    @Test("are others than those beside it, also under a name that begins like it")
    func beside() throws {
        let settings = try load([
            escrow: "/k/keys-escrow", "backups.directory": "/none/data.backups",
        ])
        #expect(settings.directory == "/none/data.backups")
        #expect(settings.escrowDirectory == "/k/keys-escrow")
        #expect(settings.misplaced.isEmpty)
        try settings.expectApart()
    }

    @Test("stop no server that an older release ran with them: it says so and makes backups")
    func serves() async throws {
        let site = try await BackupSite()
        let backups = "\(site.data)/backups"
        try FileManager.default.createDirectory(
            atPath: backups, withIntermediateDirectories: false)
        let name = try await site.serves(["backups.directory": backups]) { try await $0.backsUp() }
        #expect(try site.names(backups) == [name])
        let lines = try await logged { logger in
            let engine = try Engine(
                settings: try ServerSettings.load(
                    directory: site.data, overrides: ["backups.directory": backups],
                    environment: [:]),
                clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: logger)
            await engine.backups.warnOfPlaces()
            await engine.close()
        }
        let told = lines.filter { $0.contains("a copy lies") }
        #expect(told.count == 1)
        #expect(told.first?.contains("WARNING") == true)
        #expect(told.first?.contains("path=\"\(backups)\"") == true)
        #expect(told.first?.contains("inside=\"\(site.data)\"") == true)
    }

    @Test("are not made by an installation, which is left unmade")
    func installs() async throws {
        let data = FileManager.default.temporaryDirectory
            .appending(path: "strm-misplaced-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        await #expect {
            _ = try await Installation.initialise(
                InitOptions(dataDirectory: data, escrowDirectory: "\(data)/escrow"))
        } throws: {
            Self.isRefusal(of: escrow, $0)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: data) == [])
    }

    @Test("are not adopted by a restore, which writes no settings then")
    func adopts() async throws {
        let site = try await BackupSite()
        let name = try await site.serves { try await $0.backsUp() }
        try site.losesData()
        for path in [site.keys, "\(site.keys)/escrow", "\(site.data)/escrow"] {
            var options = RestoreOptions(
                backup: "\(site.backups)/\(name)", dataDirectory: site.data,
                keyringDirectory: site.keys, masterKey: .file("\(site.root)/master.key"),
                escrowDirectory: path)
            options.adoptsEscrow = true
            #expect {
                try Restoration.restore(options, clock: site.clock.read)
            } throws: {
                Self.isRefusal(of: escrow, $0)
            }
            #expect(!site.exists(site.data))
        }
        #expect(try site.restores(name).backup == name)
    }

    @Test("are not removed where the server removes its own leftovers")
    func lasting() async throws {
        let site = try await BackupSite()
        let backups = "\(site.data)/checkpoint.making/backups"
        try FileManager.default.createDirectory(
            atPath: backups, withIntermediateDirectories: true)
        #expect(throws: BackupFailure.self) {
            try BackupMaker.tidy(directory: backups, dataDirectory: site.data)
        }
        #expect(site.exists(backups))
        try BackupMaker.tidy(directory: site.backups, dataDirectory: site.data)
        #expect(!site.exists(backups))
    }
}

private let escrow = "keyring.escrow.directory"
