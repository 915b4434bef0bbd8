import Foundation

/// `acknowledged_load.py`, running: it notes outside of the data directory what was acknowledged.
struct Load {
    let running: Running
    let acknowledgedPath: String

    init(
        _ site: Deployment, token: String, prefix: String, inFlight: Int = 32, sessions: Int = 50,
        count: Int? = nil
    ) throws {
        acknowledgedPath = "\(site.scratch.path)/acknowledged"
        running = try Running(
            Tool.python,
            [
                Tool.script("acknowledged_load.py"), String(site.port), token, acknowledgedPath,
                prefix, String(inFlight), String(sessions),
            ] + (count.map { [String($0)] } ?? []), in: site.scratch.path)
    }

    var acknowledged: [String] { Self.read(acknowledgedPath) }

    /// How many are acknowledged in all, cheaply enough to be looked at in a loop.
    var acknowledgedBytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: acknowledgedPath)
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    static func read(_ path: String) -> [String] {
        let data = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Waits until another `bytes` of ids have been acknowledged.
    func grows(by bytes: Int, seconds: Double = 120) async throws {
        let target = acknowledgedBytes + bytes
        let reached = await Wait.until(seconds: seconds) {
            acknowledgedBytes >= target || !running.isRunning
        }
        guard reached, acknowledgedBytes >= target else {
            throw Unexpected("too little was acknowledged: \(running.output) \(running.errors)")
        }
    }

    /// The ids that stand in the urls of stored events.
    static func identifiers(_ events: [[String: Any]]) -> [String] {
        events.compactMap { value($0, "url") as? String }
            .map { String($0.dropFirst("https://shop.example.com/".count)) }
    }
}
