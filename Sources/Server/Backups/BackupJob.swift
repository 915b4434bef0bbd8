import Store

/// What the backup service does, one at a time.
struct BackupJob: Sendable {
    enum Kind: String, Sendable {
        case make
        case verify
    }

    var kind: Kind
    var name: String
    var isAutomatic = false
    /// Who asked for it; nil: the schedule.
    var caller: Principal?
    var startedAt: Milliseconds
}

/// How a job ended.
struct BackupOutcome: Sendable {
    var job: BackupJob
    var finishedAt: Milliseconds
    /// nil: it succeeded.
    var failure: BackupFailure?

    var json: WireValue {
        [
            "kind": .string(job.kind.rawValue), "name": .string(job.name),
            "startedAt": .string(WireTime.format(job.startedAt)),
            "finishedAt": .string(WireTime.format(finishedAt)),
            "problem": .optional(failure?.description),
        ]
    }
}
