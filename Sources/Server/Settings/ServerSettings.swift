package import Configuration

/// Everything an operator may set. Each value has a default that is safe on one machine;
/// docs/configuration.md lists the same keys, and a test compares the two.
///
/// A key such as `http.port` stands in `DIR/strm.json` as `{"http": {"port": 8080}}`, in the
/// environment as `STRM_HTTP_PORT`, and on the command line as a flag. The command line wins over
/// the environment, the environment over the file.
package struct ServerSettings: Sendable {
    /// The data directory, made by `strm init`.
    package var directory: String
    /// Where the keyring and the watermark live. Default: `DIR/keys`. Better on another device than
    /// the data.
    package var keyringDirectory: String
    /// Default: `file:<keyringDirectory>/master.key`.
    package var masterKey: MasterKeyCustody
    /// The text that the server writes into `strmMeta.billingId` of each event, 1...64 characters.
    package var billingID: String
    /// An operator's decision, for one start: take what is on disk although the watermark says that
    /// more was acknowledged (a backup was restored). What is missing is lost.
    package var acceptsOlderState: Bool

    /// One person runs this installation: who wrote a contract or asked for a derived stream may
    /// approve it too, and the audit log says so.
    package var isSinglePerson: Bool

    package var http: ListenerSettings
    package var tokens: TokenSettings
    package var limits: LimitSettings
    package var rejections: RejectionSettings
    package var audit: AuditSettings
    package var exports: ExportSettings
    package var erasures: ErasureSettings
    package var witness: WitnessSettings
    package var backups: BackupSettings
    package var log: LogSettings

    /// Reads every key from `reader`, whose providers are in order of precedence.
    /// - Throws: `SettingsError.invalid` naming the key and what is allowed; the start must be
    ///   refused.
    package init(reader: ConfigReader, directory: String) throws(SettingsError) {
        let values = SettingsReader(reader)
        self.directory = directory
        keyringDirectory = try values.text("keyring.directory", default: "\(directory)/keys")
        let custody = try values.text("masterKey", default: "file:\(keyringDirectory)/master.key")
        guard let masterKey = MasterKeyCustody(custody) else {
            throw .invalid(
                key: "masterKey", expected: "file:PATH, environment:NAME or command:PROGRAM ARG…")
        }
        self.masterKey = masterKey
        billingID = try values.text("billingId", default: "local")
        guard (1...64).contains(billingID.utf8.count) else {
            throw .invalid(key: "billingId", expected: "1 to 64 bytes of text")
        }
        acceptsOlderState = try values.flag("recovery.acceptsOlderState", default: false)
        isSinglePerson = try values.flag("governance.singlePerson", default: false)
        http = try ListenerSettings(values)
        tokens = try TokenSettings(values)
        limits = try LimitSettings(values)
        rejections = try RejectionSettings(values)
        audit = try AuditSettings(values)
        exports = try ExportSettings(values)
        witness = try WitnessSettings(values, exports: exports)
        backups = try BackupSettings(
            values, keyringDirectory: keyringDirectory, dataDirectory: directory)
        erasures = try ErasureSettings(values, keyringDirectory: keyringDirectory)
        log = try LogSettings(values)
    }
}

/// Why the settings were refused; names keys, never their values (one of them may be a secret in
/// the wrong place).
package enum SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    case invalid(key: String, expected: String)
    case unknown(key: String, file: String)
    case unreadable(file: String, reason: String)

    package var description: String {
        switch self {
        case .invalid(let key, let expected): "setting \(key): expected \(expected)"
        case .unknown(let key, let file): "\(file): there is no setting named \(key)"
        case .unreadable(let file, let reason): "\(file): \(reason)"
        }
    }
}

/// The listener. All times in whole seconds, all sizes in bytes.
package struct ListenerSettings: Sendable {
    package var host: String
    /// 0 lets the system choose; `StreamMachineServer.run` tells which.
    package var port: Int
    /// Must be set to listen without TLS on anything but loopback.
    package var allowInsecureRemote: Bool
    package var tlsCertificate: String?
    package var tlsPrivateKey: String?
    /// 0: one for each processor, at most 8.
    package var eventLoopThreads: Int
    package var bodyBytesMax: Int
    package var headerListBytesMax: Int
    package var streamsPerConnectionMax: Int
    package var connectionsMax: Int
    package var connectionsPerAddressMax: Int
    package var idleSeconds: Int
    package var headerSeconds: Int
    /// A body may be slower than 1 KiB/s for so long.
    package var bodyGraceSeconds: Int
    /// How long a graceful stop waits for what is in flight.
    package var shutdownSeconds: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        host = try values.text("http.host", default: "127.0.0.1")
        port = try values.number("http.port", default: 8080, in: 0...65_535)
        allowInsecureRemote = try values.flag("http.allowInsecureRemote", default: false)
        tlsCertificate = try values.optionalText("http.tls.certificate")
        tlsPrivateKey = try values.optionalText("http.tls.privateKey")
        guard (tlsCertificate == nil) == (tlsPrivateKey == nil) else {
            throw .invalid(
                key: "http.tls.certificate",
                expected: "both http.tls.certificate and http.tls.privateKey")
        }
        eventLoopThreads = try values.number("http.threads", default: 0, in: 0...256)
        bodyBytesMax = try values.number(
            "http.bodyBytesMax", default: 1 << 20, in: 1_024...(64 << 20))
        headerListBytesMax = try values.number(
            "http.headerListBytesMax", default: 16 << 10, in: 1_024...(64 << 10))
        streamsPerConnectionMax = try values.number(
            "http.streamsPerConnectionMax", default: 128, in: 1...4_096)
        connectionsMax = try values.number(
            "http.connectionsMax", default: 10_000, in: 1...1_000_000)
        connectionsPerAddressMax = try values.number(
            "http.connectionsPerAddressMax", default: 1_000, in: 1...1_000_000)
        idleSeconds = try values.number("http.idleSeconds", default: 120, in: 1...86_400)
        headerSeconds = try values.number("http.headerSeconds", default: 10, in: 1...600)
        bodyGraceSeconds = try values.number("http.bodyGraceSeconds", default: 10, in: 1...3_600)
        shutdownSeconds = try values.number("http.shutdownSeconds", default: 10, in: 0...600)
    }
}

/// OAuth 2.0 tokens.
package struct TokenSettings: Sendable {
    /// The `iss` of each token and the base of the metadata document. Default:
    /// `http(s)://HOST:PORT` as configured; set it to the address that clients see when there is a
    /// proxy in between.
    package var issuer: String?
    /// The `aud` of each token.
    package var audience: String
    package var accessSeconds: Int
    package var refreshSeconds: Int
    /// A new signing key is made after so many days; the old one verifies until its last token has
    /// expired.
    package var rotationDays: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        issuer = try values.optionalText("tokens.issuer")
        audience = try values.text("tokens.audience", default: "stream-machine")
        accessSeconds = try values.number("tokens.accessSeconds", default: 3_600, in: 60...86_400)
        refreshSeconds = try values.number(
            "tokens.refreshSeconds", default: 86_400, in: 60...2_592_000)
        rotationDays = try values.number("tokens.rotationDays", default: 30, in: 1...365)
    }
}

/// Bounds on memory and work.
package struct LimitSettings: Sendable {
    /// Events that may wait for the commit thread.
    package var queueEventsMax: Int
    /// Their bytes.
    package var queueBytesMax: Int
    /// Live data keys held in memory.
    package var keyCacheMax: Int
    /// Requests other than `POST /event` and `POST /events` that may be worked on at once, waiting
    /// long-polls included.
    package var requestsInFlightMax: Int
    /// Open WebSocket subscriptions.
    package var webSocketsMax: Int
    /// Days that a stream keeps its events if its maker does not say, 1...400.
    package var retentionDays: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        queueEventsMax = try values.number(
            "limits.queueEventsMax", default: 65_536, in: 16...16_777_216)
        queueBytesMax = try values.number(
            "limits.queueBytesMax", default: 64 << 20, in: (64 << 10)...(8 << 30))
        keyCacheMax = try values.number(
            "limits.keyCacheMax", default: 1_048_576, in: 64...16_777_216)
        requestsInFlightMax = try values.number(
            "limits.requestsInFlightMax", default: 4_096, in: 4...1_000_000)
        webSocketsMax = try values.number("limits.webSocketsMax", default: 1_000, in: 0...100_000)
        retentionDays = try values.number("limits.retentionDays", default: 7, in: 1...400)
    }
}

/// Logging goes to standard error.
package struct LogSettings: Sendable {
    package enum Format: String, Sendable, CaseIterable { case text, json }
    package enum Level: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }
    package var format: Format
    package var level: Level

    init(_ values: SettingsReader) throws(SettingsError) {
        format = try values.choice("log.format", default: .text)
        level = try values.choice("log.level", default: .info)
    }
}
