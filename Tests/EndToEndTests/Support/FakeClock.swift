import Foundation

/// The wall clock of a server that runs, moved as a time server would move it; monotonic time,
/// sleeps and timers stay what they are.
///
/// The library that does it is tools/lib/bench/shift_clock.c, compiled here. libfaketime is not
/// usable: it moves absolute timers and waits of the monotonic clocks too, whatever its settings,
/// so that no `Task.sleep` of a shifted server ends and its waiting threads spin.
final class FakeClock {
    /// What the server's process needs to see this clock.
    let environment: [String: String]
    private let file: FileHandle

    init(in directory: String) async throws {
        let (path, library) = ("\(directory)/shift", "\(directory)/shift_clock.so")
        try Data(count: MemoryLayout<Int64>.size).write(to: URL(filePath: path))
        guard let file = FileHandle(forUpdatingAtPath: path) else { throw Unexpected("no \(path)") }
        self.file = file
        // The compiler that comes with Swift.
        let compiled = try await Tool.run(
            "/usr/bin/env",
            [
                "clang", "-O2", "-shared", "-fPIC", "-o", library,
                "\(Tool.root)/tools/lib/bench/shift_clock.c",
            ])
        guard compiled.status == 0 else { throw Unexpected(compiled.errors) }
        environment = ["LD_PRELOAD": library, "STRM_SHIFT_FILE": path]
    }

    /// So many seconds away from the true time, at once.
    func moves(to seconds: Int) throws {
        // In place and in one piece: the server has mapped these eight bytes.
        try file.seek(toOffset: 0)
        try file.write(contentsOf: withUnsafeBytes(of: Int64(seconds)) { Data($0) })
    }
}
