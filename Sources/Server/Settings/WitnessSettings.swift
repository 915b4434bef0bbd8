import AuditProof
import Buckets
package import Witness

/// Places outside that get the audit log's checkpoints.
package struct WitnessSettings: Sendable {
    package var places: Witnesses.Places
    /// Between two checkpoints, seconds.
    package var periodSeconds: Int

    init(_ values: SettingsReader, exports: ExportSettings) throws(SettingsError) {
        places = Witnesses.Places()
        places.file = try values.optionalText("audit.witness.file")
        if let file = places.file, !file.hasPrefix("/") {
            throw .invalid(key: "audit.witness.file", expected: "an absolute path")
        }
        places.url = try values.optionalText("audit.witness.url")
        if let text = try values.optionalText("audit.witness.key") {
            do { places.key = try CosignerKey(text) } catch {
                throw .invalid(
                    key: "audit.witness.key",
                    expected: "name+hash+base64 of an Ed25519 key for cosignatures")
            }
        }
        places.connector = try values.optionalText("audit.witness.connector")
        places.policy.certificateAuthorityFile = exports.policy.certificateAuthorityFile
        places.policy.requestSeconds = exports.policy.requestSeconds
        places.policy.allowsInsecureEndpoints = try values.flag(
            "audit.witness.allowInsecureEndpoint", default: false)
        places.policy.allowsPrivateAddresses = try values.flag(
            "audit.witness.allowPrivateAddresses", default: false)
        periodSeconds = try values.number(
            "audit.witness.periodSeconds", default: 300, in: 1...86_400)
    }
}
