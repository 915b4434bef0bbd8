import AuditProof
import Logging
import Synchronization

@testable import Server

/// A number that goes down to zero.
final class LockedCount: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    /// True if there was none left.
    func takeOne() -> Bool {
        left.withLock { left in
            if left == 0 { return true }
            left -= 1
            return false
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

enum BackupKeys {
    /// The key that backups of an installation are signed with, from what `strm init` printed.
    static func verifier(of initial: InitResult) throws -> VerifierKey {
        try VerifierKey(initial.auditVerifierKey).renamed(BackupManifest.keyName)
    }
}
