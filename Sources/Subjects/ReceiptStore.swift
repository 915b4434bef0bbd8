import Glibc
import Store
import Synchronization

/// The receipts, one file each, beside the erasure ledger: outside the database, so that bringing
/// an old database back loses none. They hold no personal data; 0600 all the same.
final class ReceiptStore: Sendable {
    /// A receipt that lists the sequences of a person with thousands of them has some MiB.
    static let bytesMax = 64 << 20

    private let directory: String
    private let known = Mutex<Set<String>?>(nil)

    /// - Parameter directory: of the erasure ledger.
    init(below directory: String) {
        self.directory = directory + "/receipts"
    }

    /// Whether it was issued. Reads the directory once. Blocks.
    func has(_ id: String) throws(StoreError) -> Bool {
        try known.withLock { known throws(StoreError) in
            if let known { return known.contains(id) }
            let names = try Self.names(in: directory)
            known = names
            return names.contains(id)
        }
    }

    /// The erasures whose receipts were issued, sorted. Blocks.
    func all() throws(StoreError) -> [String] { try Self.names(in: directory).sorted() }

    /// nil: there is none. Blocks.
    func read(_ id: String) throws(StoreError) -> [UInt8]? {
        guard Self.isID(id) else { return nil }
        let file = open(path(id), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("a receipt cannot be opened")
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= Self.bytesMax {
            let count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("a receipt cannot be read") }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
        throw .corrupt("a receipt is too large")
    }

    /// Durable on return; whoever reads finds the whole or nothing. Blocks.
    func write(_ bytes: [UInt8], of id: String) throws(StoreError) {
        guard Self.isID(id) else { throw .corrupt("the id of an erasure") }
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw Self.failure("the directory of receipts cannot be made")
        }
        let draft = path(id) + ".next"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.failure("a receipt cannot be made") }
        do {
            defer { close(file) }
            try Self.write(bytes, to: file)
        }
        guard rename(draft, path(id)) == 0 else { throw Self.failure("a receipt cannot be named") }
        let names = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard names >= 0 else { throw Self.failure("the directory of receipts cannot be opened") }
        defer { close(names) }
        guard fsync(names) == 0 else {
            throw Self.failure("the directory of receipts cannot be synced")
        }
        known.withLock { _ = $0?.insert(id) }
    }

    private func path(_ id: String) -> String { "\(directory)/\(id).json" }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                Glibc.write(file, room.baseAddress.map { $0 + written }, room.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("a receipt cannot be written") }
            written += count
        }
        guard fsync(file) == 0 else { throw failure("a receipt cannot be synced") }
    }

    /// Ids of the files that are there. No directory: none. One that cannot be read is an error,
    /// because a receipt that is there must not be issued a second time.
    private static func names(in directory: String) throws(StoreError) -> Set<String> {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw failure("the directory of receipts cannot be read")
        }
        defer { closedir(stream) }
        let ids = DirectoryNames.rest(of: stream).filter { $0.hasSuffix(".json") }
            .map { String($0.dropLast(5)) }
        return Set(ids.filter(isID))
    }

    /// `e-` and base64url: what may be part of a path.
    static func isID(_ text: String) -> Bool {
        text.hasPrefix("e-") && (3...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func failure(_ what: String) -> StoreError {
        .io("\(what): \(String(cString: strerror(errno)))")
    }
}
