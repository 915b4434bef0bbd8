import Logging
import Store
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Logs to standard error, one line an entry, as text for people or JSON for programs.
///
/// The rule of the house: the message is constant, what varies is metadata, and neither ever holds
/// a payload, a secret or a token. Control characters are escaped, so that one entry is one line
/// whatever its metadata hold.
struct StreamLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let isJSON: Bool
    private let clock: @Sendable () -> Milliseconds
    private let write: @Sendable ([UInt8]) -> Void

    init(
        label: String, settings: LogSettings, clock: @escaping @Sendable () -> Milliseconds,
        write: @escaping @Sendable ([UInt8]) -> Void = StreamLogHandler.writeToStandardError
    ) {
        self.label = label
        isJSON = settings.format == .json
        logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        self.clock = clock
        self.write = write
    }

    static func logger(
        _ settings: LogSettings, clock: @escaping @Sendable () -> Milliseconds
    ) -> Logger {
        Logger(label: "strm") { label in
            StreamLogHandler(label: label, settings: settings, clock: clock)
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let given = event.metadata { all.merge(given) { $1 } }
        let sorted = all.sorted { $0.key < $1.key }
        var writer = JSONWriter()
        if isJSON {
            var members: [(name: String, value: WireValue)] = [
                ("time", .string(WireTime.format(clock()))),
                ("level", .string(event.level.rawValue)), ("logger", .string(label)),
                ("message", .string("\(event.message)")),
            ]
            members += sorted.map { ($0.key, .string("\($0.value)")) }
            writer.value(.object(members))
        } else {
            writer.raw(
                "\(WireTime.format(clock())) \(event.level.rawValue.uppercased()) \(event.message)")
            for (key, value) in sorted {
                writer.raw(" \(key)=")
                writer.string("\(value)")
            }
        }
        writer.raw("\n")
        write(writer.bytes)
    }

    /// One call, so that lines of several threads do not mix.
    static func writeToStandardError(_ line: [UInt8]) {
        line.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(STDERR_FILENO, part.baseAddress, part.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}
