import Foundation

/// The wall clock of a server that runs, moved by libfaketime; its monotonic clock stays true.
final class FakeClock {
    static let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

    private let companion: Companion
    private let path: String
    private let shared: String

    init(in directory: String) async throws {
        guard FileManager.default.fileExists(atPath: Self.library) else {
            throw Unexpected("\(Self.library) is missing: tools/test installs faketime")
        }
        companion = try await Companion.start("clock_rig.py", in: directory)
        guard let shared = companion.greeting["shared"] as? String, !shared.isEmpty else {
            throw Unexpected("no shared memory for the clock: \(companion.errors)")
        }
        self.shared = shared
        path = "\(directory)/clock"
        try moves(to: 0)
    }

    /// What the server's process needs to see this clock.
    var environment: [String: String] {
        [
            "LD_PRELOAD": Self.library, "FAKETIME_SHARED": shared,
            "FAKETIME_TIMESTAMP_FILE": path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        ]
    }

    /// So many seconds away from the true time, at once.
    func moves(to seconds: Int) throws {
        let text = seconds < 0 ? "\(seconds)\n" : "+\(seconds)\n"
        // In one step: a server that reads half of it would see another time.
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    }
}
