/// Writes the Prometheus text format 0.0.4: HELP and TYPE once for each metric, labels and help
/// escaped as it says.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String { case counter, gauge, histogram }

    typealias Labels = KeyValuePairs<String, String>

    private(set) var text = ""

    /// Begins a metric. Its samples must follow at once.
    mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escapeHelp(help))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: Labels = [:], _ value: Double) {
        text += name + Self.render(labels) + " " + Self.render(value) + "\n"
    }

    mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        metric(name, .counter, help)
        sample(name, Double(value))
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        metric(name, .gauge, help)
        sample(name, value)
    }

    /// - Parameter buckets: upper bound and how many fell in this bucket alone, ascending; the last
    ///   bound is infinity.
    mutating func histogram(
        _ name: String, _ help: String, buckets: [(bound: Double, count: UInt64)], sum: Double
    ) {
        metric(name, .histogram, help)
        var total: UInt64 = 0
        for (bound, count) in buckets {
            total += count
            sample("\(name)_bucket", ["le": Self.render(bound)], Double(total))
        }
        sample("\(name)_sum", sum)
        sample("\(name)_count", Double(total))
    }

    private mutating func sample(_ name: String, _ value: Double) { sample(name, [:], value) }

    private static func render(_ labels: Labels) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.key)=\"\(escapeLabel($0.value))\"" }.joined(separator: ",")
            + "}"
    }

    private static func render(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    private static func escapeHelp(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    private static func escapeLabel(_ text: String) -> String {
        escapeHelp(text).replacing("\"", with: "\\\"")
    }
}
