/// An answer of the server, whole in memory.
struct Reply: Sendable {
    /// What a command accepts as one answer: a page of 10,000 events of 1 MiB would be more, but
    /// the server bounds its pages, and so do we.
    static let bodyBytesMax = 256 << 20

    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var isSuccess: Bool { (200..<300).contains(status) }

    /// Seconds that the server asks to wait, bounded to a minute.
    var retryAfterSeconds: Int {
        min(max(headers["retry-after"].flatMap { Int($0) } ?? 1, 0), 60)
    }

    /// The server waits for its master key.
    var isSealed: Bool { status == 503 && Problem.type(body: body)?.hasSuffix("/sealed") == true }

    /// The body as JSON.
    /// - Throws: `failed` if it is not, which no route of ours answers.
    func json() throws(CommandFailure) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw CommandFailure(
                .failed, "the answer is not JSON: is this a Stream Machine server?")
        }
    }

    /// Throws what the person at the terminal should know if this is not a success.
    func check(_ action: String) throws(CommandFailure) {
        guard !isSuccess else { return }
        let reason = Problem.summary(status: status, body: body)
        if isSealed {
            throw CommandFailure(
                .overloaded, "the server is sealed: it has no master key and opens nothing",
                next: "strm keys unseal")
        }
        switch status {
        case 401:
            throw CommandFailure(
                .notPermitted, "the server does not accept these credentials: \(reason)",
                next: "strm credentials list shows what is stored; a new data directory has "
                    + "new clients")
        case 403:
            throw CommandFailure(.notPermitted, "not permitted to \(action): \(reason)")
        case 503:
            throw CommandFailure(
                .overloaded, "the server cannot \(action) now: \(reason)",
                next: "try again in \(retryAfterSeconds) s; strm status tells how it is")
        default:
            throw CommandFailure(.failed, "cannot \(action): \(reason)")
        }
    }
}
