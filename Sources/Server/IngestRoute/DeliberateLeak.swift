#if DEBUG
    import Foundation

    /// A server that does what it must not, so that a test can show that `strm prove` notices: in builds
    /// for tests alone, and there only where `STRM_TEST_LEAK` asks for it, with one or more of `log`,
    /// `file` and `environment`, joined by commas.
    enum DeliberateLeak {
        private static let places = Set(
            (ProcessInfo.processInfo.environment["STRM_TEST_LEAK"] ?? "").split(separator: ","))

        /// - Parameter body: of an event, as it was received.
        static func take(_ body: UnsafeRawBufferPointer) {
            guard !places.isEmpty else { return }
            if places.contains("log") {
                FileHandle.standardError.write(Data(body) + Data("\n".utf8))
            }
            if places.contains("file") {
                let path = "\(NSTemporaryDirectory())/received.\(UUID().uuidString)"
                _ = FileManager.default.createFile(atPath: path, contents: Data(body))
            }
            // The kernel shows the memory in which the process was given its environment.
            if places.contains("environment"), let room = getenv("STRM_TEST_LEAK_ROOM") {
                memcpy(room, Array(body), min(strlen(room), body.count))
            }
        }
    }
#endif
