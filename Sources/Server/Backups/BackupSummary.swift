package import AuditProof
import Export

/// A backup that was checked offline, for the command line.
package struct BackupSummary: Sendable {
    package let name: String
    /// RFC 3339.
    package let createdAt: String
    package let events: UInt64
    package let bytes: UInt64
    package let auditSize: UInt64
    /// Base64.
    package let auditRoot: String
    /// The whole manifest.
    package let json: [UInt8]

    /// Reads all of it twice; blocks.
    /// - Parameters:
    ///   - path: the directory of the backup.
    ///   - keys: of the installation, under the name `streammachine.dev/backups`; one must have
    ///     signed it.
    package init(verifying path: String, keys: [VerifierKey]) throws(BackupFailure) {
        let manifest = try BackupVerification(path: path).verify(keys: keys)
        name = manifest.name
        createdAt = WireTime.format(manifest.createdAt)
        events = manifest.events
        bytes = manifest.bytes
        auditSize = manifest.auditSize
        auditRoot = manifest.auditRoot.base64
        json = Array(manifest.json.text.utf8)
    }
}
