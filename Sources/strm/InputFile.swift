import Foundation

/// A file named on the command line, or standard input.
enum InputFile {
    /// The whole of it; a contract is at most 1 MiB for the server.
    static let bytesMax = 16 << 20

    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        let handle: FileHandle
        if path == "-" {
            handle = .standardInput
        } else {
            guard let opened = FileHandle(forReadingAtPath: path) else {
                throw .cannotRead(path, reason: "no such file, or not permitted")
            }
            handle = opened
        }
        do {
            let data = try handle.read(upToCount: bytesMax + 1) ?? Data()
            guard data.count <= bytesMax else {
                throw CommandFailure.cannotRead(path, reason: "it is larger than 16 MiB")
            }
            return [UInt8](data)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw .cannotRead(path, reason: "it is not a file that can be read")
        }
    }
}
