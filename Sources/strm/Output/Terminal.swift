import Foundation

/// Standard output and standard error. Every write is whole: a short write is continued, and a
/// reader that went away (`strm listen demo | head -1`) ends the program quietly.
enum Terminal {
    static func print(_ text: String) {
        write(Array((text + "\n").utf8), to: STDOUT_FILENO)
    }

    static func printBytes(_ bytes: some Collection<UInt8>) {
        write(Array(bytes), to: STDOUT_FILENO)
    }

    /// A remark for the person at the terminal, kept out of what a program reads.
    static func note(_ text: String) {
        write(Array((text + "\n").utf8), to: STDERR_FILENO)
    }

    /// A line that the next one overwrites; silent where standard error is not a terminal.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        write(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO)
    }

    static func endProgress() {
        progress("")
    }

    static func complain(_ failure: CommandFailure) {
        endProgress()
        note("strm: \(Table.printable(failure.message))")
        if let next = failure.next { note("next: \(Table.printable(next))") }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                guard let base = buffer.baseAddress else { return }
                let count = systemWrite(descriptor, base + written, buffer.count - written)
                if count > 0 {
                    written += count
                } else if errno != EINTR {
                    // EPIPE: whoever read us has what it wanted. Anything else (a full disk behind
                    // a redirection) must not look like success.
                    Foundation.exit(errno == EPIPE ? 0 : CommandFailure.Status.failed.rawValue)
                }
            }
        }
    }

    private static func systemWrite(
        _ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int
    ) -> Int {
        Foundation.write(descriptor, bytes, count)
    }
}
