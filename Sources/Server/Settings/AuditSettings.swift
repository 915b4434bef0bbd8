/// What is kept beside the audit log.
package struct AuditSettings: Sendable {
    /// Days after which it is forgotten whose fields an entry handed out; the entry itself stays.
    package var disclosureDays: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        disclosureDays = try values.number("audit.disclosureDays", default: 400, in: 1...36_500)
    }
}
