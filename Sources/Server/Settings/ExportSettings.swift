package import Buckets

/// Exports to buckets: what the operator allows, and bounds.
package struct ExportSettings: Sendable {
    /// What connectors may reach.
    package var policy: BucketPolicy
    /// Batches on their way at once, of all exporters; each takes about 32 MiB.
    package var batchesInFlightMax: Int
    /// The shortest interval that an exporter may have.
    package var intervalSecondsMin: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        policy = BucketPolicy()
        policy.localDirectory = try values.optionalText("exports.directory")
        if let directory = policy.localDirectory, !directory.hasPrefix("/") {
            throw .invalid(key: "exports.directory", expected: "an absolute path")
        }
        policy.allowsInsecureEndpoints = try values.flag(
            "exports.allowInsecureEndpoints", default: false)
        policy.allowsPrivateAddresses = try values.flag(
            "exports.allowPrivateAddresses", default: false)
        policy.certificateAuthorityFile = try values.optionalText(
            "exports.certificateAuthorityFile")
        batchesInFlightMax = try values.number(
            "exports.batchesInFlightMax", default: 4, in: 1...64)
        policy.requestSeconds = try values.number(
            "exports.requestSeconds", default: 60, in: 1...3_600)
        intervalSecondsMin = try values.number(
            "exports.intervalSecondsMin", default: 30, in: 1...3_600)
    }
}
