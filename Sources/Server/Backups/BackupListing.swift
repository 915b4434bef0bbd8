import AuditProof
import Store

/// A backup as a list shows it.
struct BackupListing: Sendable {
    enum State: Sendable {
        /// It is on its way.
        case making(since: Milliseconds)
        /// It was checked when it was made, and is there under its name.
        case whole(BackupManifest)
        /// It was not made, or is there and is not one of ours any more.
        case failed(String)
    }

    var name: String
    var state: State
    /// The last check since the server started, if there was one.
    var checked: BackupOutcome?
    var isVerifying = false

    var json: WireValue {
        var members: [(name: String, value: WireValue)] = [("name", .string(name))]
        func add(_ name: String, _ value: WireValue) { members.append((name, value)) }
        switch state {
        case .making(let since):
            add("state", "making")
            add("startedAt", .string(WireTime.format(since)))
        case .failed(let problem):
            add("state", "failed")
            add("problem", .string(problem))
        case .whole(let manifest):
            add("state", checked?.failure == nil ? "whole" : "failed")
            if let problem = checked?.failure { add("problem", .string(problem.description)) }
            let verifiedAt = checked.map { $0.failure == nil ? $0.finishedAt : manifest.verifiedAt }
            add("createdAt", .string(WireTime.format(manifest.createdAt)))
            add("verifiedAt", .string(WireTime.format(verifiedAt ?? manifest.verifiedAt)))
            add("events", .integer(Int64(clamping: manifest.events)))
            add("files", .integer(Int64(manifest.files)))
            add("bytes", .integer(Int64(clamping: manifest.bytes)))
            add("auditSize", .integer(Int64(clamping: manifest.auditSize)))
            add("auditRoot", .string(manifest.auditRoot.base64))
            add("sequence", .integer(Int64(clamping: manifest.sequence)))
            add("isVerifying", .bool(isVerifying))
            add("madeBy", manifest.isAutomatic ? "schedule" : "request")
        }
        return .object(members)
    }
}
