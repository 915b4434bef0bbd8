package import Store

/// How an exporter is: from memory, cheap enough for every scrape.
package struct ExporterStatus: Sendable {
    package enum State: String, Sendable { case running, paused, failing }

    package var definition: ExporterDefinition
    package var progress: ExporterProgress
    package var state: State
    /// What the last try said; nil if it went well.
    package var error: String?
    /// Tries in a row that failed.
    package var failures: Int
    package var retryAt: Milliseconds?
    /// Events between its positions and the end of the stream.
    package var lagEvents: UInt64
    /// The time of the oldest event that is not exported; nil: there is none.
    package var oldestUnexportedAt: Milliseconds?
    /// When retention begins to take what is not exported.
    package var lossAt: Milliseconds?
    /// Set when that is near: a sentence for the operator.
    package var alarm: String?

    /// Seconds until `lossAt`; negative once it is past.
    package func secondsUntilLoss(now: Milliseconds) -> Double? {
        lossAt.map { Double($0 - now) / 1_000 }
    }

    /// Whether loss is near: within a day, or a quarter of the retention if that is less.
    static func isNear(
        lossAt: Milliseconds, now: Milliseconds, retention: RetentionClass
    ) -> Bool {
        lossAt - now < min(24 * 3_600_000, retention.milliseconds / 4)
    }
}
