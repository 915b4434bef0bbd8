import Foundation

/// Makes Ctrl-C and SIGTERM an orderly end, with status 0, of a command that would go on for ever.
///
/// The process ends at once: everything printed was written unbuffered, and a long-poll holds
/// nothing that would have to be put in order first.
struct Interruption {
    private let sources: [any DispatchSourceSignal]

    init() {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { Foundation.exit(0) }
            source.resume()
            return source
        }
    }

    func end() {
        for source in sources { source.cancel() }
    }
}
