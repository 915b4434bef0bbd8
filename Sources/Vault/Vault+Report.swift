package import Store

/// What the keyring holds, without a key: for `strm keys status` and for the report of expiry.
extension Vault {
    package struct Report: Sendable {
        /// A secret of the installation.
        package struct Secret: Sendable, Equatable {
            /// Such as `auditSigning`.
            package let kind: String
            package let number: UInt32
            package let created: Milliseconds
        }

        /// The 256 keys of a day and a retention class.
        package struct Epoch: Sendable, Equatable {
            package let epoch: UInt32
            package let day: UTCDay
            package let retention: RetentionClass
            /// When the last event that can need them has expired: they are destroyed in the first
            /// round of housekeeping from then on.
            package let destroyedFrom: Milliseconds
        }

        /// By kind, then number.
        package let secrets: [Secret]
        /// Oldest first.
        package let epochs: [Epoch]
        /// The last time that was trusted and is on record: the next start is measured by it.
        package let clockOnRecord: Milliseconds
    }

    /// Memory only.
    package var report: Report {
        let contents = keyring.contents
        return Report(
            secrets: contents.secrets.map { name, secret in
                Report.Secret(
                    kind: String(describing: name.kind), number: name.number,
                    created: secret.created)
            }.sorted { ($0.kind, $0.number) < ($1.kind, $1.number) },
            epochs: contents.epochs.map { id, keys in
                Report.Epoch(
                    epoch: id.epoch, day: keys.day, retention: id.retention,
                    destroyedFrom: BucketKeys.termEnd(day: keys.day, retention: id.retention))
            }.sorted { ($0.epoch, $0.retention) < ($1.epoch, $1.retention) },
            clockOnRecord: contents.clockHighWater)
    }
}
