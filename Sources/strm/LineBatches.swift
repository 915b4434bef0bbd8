import Foundation
import NIOCore

/// The lines of a file or of standard input, in batches that fit a request.
///
/// Memory: one read and one batch. Empty lines are not sent.
struct LineBatches {
    /// Below the server's default limit of 1 MiB a body.
    static let batchBytesMax = 512 << 10

    struct Batch: Sendable {
        var body = ByteBuffer()
        /// The numbers, from 1, that the lines of this batch have in the file.
        fileprivate(set) var lines: [Int] = []
        var firstLine: Int { lines.first ?? 0 }
        var lastLine: Int { lines.last ?? 0 }

        /// The number in the file of the `line`th line of this batch, both from 1; of any other
        /// number, which only a strange server would answer, that number itself.
        func number(ofLine line: Int) -> Int {
            line >= 1 && line <= lines.count ? lines[line - 1] : line
        }
    }

    private let handle: FileHandle
    private let path: String
    private let linesMax: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var lineNumber = 0
    private var isAtEnd = false
    /// A line that did not fit the batch before it.
    private var waiting: (line: [UInt8], number: Int)?

    init(path: String, linesMax: Int) throws(CommandFailure) {
        self.path = path
        self.linesMax = linesMax
        if path == "-" {
            handle = .standardInput
        } else if let opened = FileHandle(forReadingAtPath: path) {
            handle = opened
        } else {
            throw .cannotRead(path, reason: "no such file, or not permitted")
        }
    }

    /// nil at the end. Blocks while it reads.
    ///
    /// A batch ends early when a read has brought no whole further line, so that events typed or
    /// piped in slowly are sent at once.
    mutating func next() throws(CommandFailure) -> Batch? {
        var batch = Batch()
        while batch.lines.count < linesMax {
            guard let (line, number) = try nextLine(mayWait: batch.lines.isEmpty) else { break }
            if !batch.lines.isEmpty,
                batch.body.readableBytes + line.count + 1 > Self.batchBytesMax
            {
                waiting = (line, number)
                break
            }
            batch.body.writeBytes(line)
            batch.body.writeInteger(UInt8(ascii: "\n"))
            batch.lines.append(number)
        }
        return batch.lines.isEmpty ? nil : batch
    }

    private mutating func nextLine(
        mayWait: Bool
    ) throws(CommandFailure) -> (line: [UInt8], number: Int)? {
        if let line = waiting {
            waiting = nil
            return line
        }
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[start..<end])
                start = end + 1
                lineNumber += 1
                if !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
                    return (line, lineNumber)
                }
                continue
            }
            if isAtEnd {
                guard start < buffer.count else { return nil }
                let line = Array(buffer[start...])
                start = buffer.count
                lineNumber += 1
                return (line, lineNumber)
            }
            guard mayWait || path != "-" else { return nil }
            try fill()
        }
    }

    private mutating func fill() throws(CommandFailure) {
        buffer.removeFirst(start)
        start = 0
        // What there is now: read(upToCount:) would wait for all that it was asked for.
        let data = handle.availableData
        if data.isEmpty { isAtEnd = true }
        buffer.append(contentsOf: data)
        guard buffer.count <= InputFile.bytesMax || buffer.contains(UInt8(ascii: "\n")) else {
            throw .cannotRead(path, reason: "line \(lineNumber + 1) is longer than 16 MiB")
        }
    }
}
