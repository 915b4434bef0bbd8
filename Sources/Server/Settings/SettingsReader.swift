import Configuration

/// Reads one key at a time, exactly: a value of another type or outside its range is an error that
/// names the key, never a silent default. Remembers nothing.
struct SettingsReader {
    /// Every key there is, in the order of docs/configuration.md.
    static let keys = [
        "keyring.directory", "keyring.escrow.directory", "keyring.escrow.hours", "masterKey",
        "billingId",
        "recovery.acceptsOlderState",
        "governance.singlePerson",
        "http.host", "http.port", "http.allowInsecureRemote", "http.tls.certificate",
        "http.tls.privateKey", "http.threads", "http.bodyBytesMax", "http.headerListBytesMax",
        "http.streamsPerConnectionMax", "http.connectionsMax", "http.connectionsPerAddressMax",
        "http.idleSeconds", "http.headerSeconds", "http.bodyGraceSeconds", "http.shutdownSeconds",
        "tokens.issuer", "tokens.audience", "tokens.accessSeconds", "tokens.refreshSeconds",
        "tokens.rotationDays",
        "limits.queueEventsMax", "limits.queueBytesMax", "limits.keyCacheMax",
        "limits.requestsInFlightMax", "limits.webSocketsMax", "limits.retentionDays",
        "rejections.bodyBytesMax", "rejections.perSecondMax", "rejections.bytesPerHourMax",
        "audit.disclosureDays",
        "exports.directory", "exports.allowInsecureEndpoints", "exports.allowPrivateAddresses",
        "exports.certificateAuthorityFile", "exports.batchesInFlightMax",
        "exports.requestSeconds", "exports.intervalSecondsMin",
        "audit.witness.file", "audit.witness.url", "audit.witness.key", "audit.witness.connector",
        "audit.witness.periodSeconds", "audit.witness.allowInsecureEndpoint",
        "audit.witness.allowPrivateAddresses",
        "backups.directory", "backups.intervalHours", "backups.keep",
        "erasures.directory", "erasures.renewsMasterKey", "erasures.batchMinutes",
        "log.format", "log.level",
    ]

    private let reader: ConfigReader

    init(_ reader: ConfigReader) { self.reader = reader }

    func optionalText(_ key: String) throws(SettingsError) -> String? {
        precondition(Self.keys.contains(key), "each setting is listed in SettingsReader.keys")
        guard isPresent(key) else { return nil }
        // A number or a truth value where a text belongs reads as nil: absent and wrong must not
        // look alike.
        guard let text = reader.string(forKey: ConfigKey(key)), !text.isEmpty else {
            throw .invalid(key: key, expected: "a text")
        }
        return text
    }

    func text(_ key: String, default value: String) throws(SettingsError) -> String {
        try optionalText(key) ?? value
    }

    func number(
        _ key: String, default value: Int, in range: ClosedRange<Int>
    ) throws(SettingsError) -> Int {
        precondition(Self.keys.contains(key), "each setting is listed in SettingsReader.keys")
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard isPresent(key) else { return value }
        guard let number = reader.int(forKey: ConfigKey(key)), range.contains(number) else {
            throw .invalid(key: key, expected: expected)
        }
        return number
    }

    func flag(_ key: String, default value: Bool) throws(SettingsError) -> Bool {
        try optionalFlag(key) ?? value
    }

    func optionalFlag(_ key: String) throws(SettingsError) -> Bool? {
        precondition(Self.keys.contains(key), "each setting is listed in SettingsReader.keys")
        guard isPresent(key) else { return nil }
        guard let flag = reader.bool(forKey: ConfigKey(key)) else {
            throw .invalid(key: key, expected: "true or false")
        }
        return flag
    }

    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ key: String, default value: Value
    ) throws(SettingsError) -> Value {
        guard let text = try optionalText(key) else { return value }
        guard let choice = Value(rawValue: text) else {
            let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(key: key, expected: "one of \(all)")
        }
        return choice
    }

    /// True if any provider holds the key, whatever its type.
    private func isPresent(_ key: String) -> Bool {
        let name = ConfigKey(key)
        return reader.string(forKey: name) != nil || reader.int(forKey: name) != nil
            || reader.double(forKey: name) != nil || reader.bool(forKey: name) != nil
    }
}
