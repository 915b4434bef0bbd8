import Foundation

/// How long the tests go on that get better the longer they run; `tools/soak` raises it.
enum Effort {
    static let killRounds = number("STRM_TEST_KILL_ROUNDS", default: 20)
    static let powerCuts = number("STRM_TEST_POWER_CUTS", default: 3)
    /// Each round kills the server once before every step of an erasure.
    static let erasureKillRounds = number("STRM_TEST_ERASURE_KILL_ROUNDS", default: 2)

    private static func number(_ name: String, default value: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
    }
}
