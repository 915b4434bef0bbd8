/// Why a command ends without having done its work: what happened, and what to type next.
///
/// The texts are shown to whoever runs the command: they hold no secret and no event value.
struct CommandFailure: Error {
    /// Exit statuses, after sysexits.h where it has a fitting one.
    enum Status: Int32 {
        case failed = 1
        case invalidData = 65
        case noInput = 66
        case unavailable = 69
        case overloaded = 75
        case notPermitted = 77
        case notConfigured = 78
    }

    var status: Status
    var message: String
    /// A command or a sentence that leads on; nil where there is nothing sensible to type.
    var next: String?

    init(_ status: Status, _ message: String, next: String? = nil) {
        self.status = status
        self.message = message
        self.next = next
    }
}

extension CommandFailure {
    static func cannotReach(_ server: ServerURL) -> CommandFailure {
        CommandFailure(
            .unavailable, "no server answers at \(server)",
            next: "strm serve, or name another one: --server URL (or STRM_SERVER)")
    }

    static func cannotRead(_ path: String, reason: String) -> CommandFailure {
        CommandFailure(.noInput, "cannot read \(path): \(reason)")
    }
}
