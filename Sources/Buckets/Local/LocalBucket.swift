import NIOPosix

/// A directory on the server's own machine. Objects are files of mode 0600 in directories of mode
/// 0700; each appears whole, under its name, after it and its directory were synced.
///
/// Names are walked from the operator's directory on without following a symbolic link, so that
/// nobody who can write there can lead us elsewhere. Names that begin with a dot are for files on
/// their way, and no object's. Work on files blocks a thread of NIO's pool, never a task's.
final class LocalBucket: Bucket {
    /// The operator's directory.
    private let root: String
    /// Below it.
    private let path: String

    private init(root: String, path: String) {
        self.root = root
        self.path = path
    }

    var title: String { "local:\(path)" }

    /// - Throws: `invalid`: the path is not one, or the operator has set no directory.
    static func check(_ location: LocalLocation, policy: BucketPolicy) throws(BucketError) {
        _ = try root(policy)
        guard ObjectName.isPathPrefix(location.path) else {
            throw .invalid(
                pointer: "/path",
                expected: "parts of A-Z a-z 0-9 ! _ . * ' ( ) = - between single slashes, "
                    + "the first a letter or digit, no ..")
        }
    }

    /// - Throws: what `check` throws; `file` if the operator's directory is not there; `cancelled`.
    static func open(
        _ location: LocalLocation, policy: BucketPolicy
    ) async throws(BucketError) -> LocalBucket {
        try check(location, policy: policy)
        let root = try root(policy)
        try await run { () throws(BucketError) in _ = try Directory(root: root) }
        return LocalBucket(root: root, path: location.path)
    }

    private static func root(_ policy: BucketPolicy) throws(BucketError) -> String {
        guard let root = policy.localDirectory else {
            throw .invalid(
                pointer: "/type",
                expected: "a type other than local: the setting exports.directory is not set")
        }
        return root
    }

    func put(_ name: ObjectName, _ body: [UInt8], contentType: String) async throws(BucketError) {
        let upload = LocalUpload(self, name)
        do throws(BucketError) {
            try await upload.finish(body)
        } catch {
            await upload.abort()
            throw error
        }
    }

    func delete(_ name: ObjectName) async throws(BucketError) {
        let (root, parts) = (root, parts(name))
        try await Self.run { () throws(BucketError) in
            guard
                let directory = try Directory.walk(
                    root: root, parts.dropLast(), makesMissing: false)
            else { return }
            try directory.remove(parts[parts.count - 1])
            try directory.sync()
        }
    }

    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload {
        LocalUpload(self, name)
    }

    func close() async {}

    /// Makes the directories of an object and a file for it under a temporary name. Blocks.
    func create(_ name: ObjectName) throws(BucketError) -> PartialFile {
        let parts = parts(name)
        let last = parts[parts.count - 1]
        guard !last.hasPrefix(".") else { throw .file("a name begins with a dot") }
        guard let directory = try Directory.walk(root: root, parts.dropLast(), makesMissing: true)
        else { throw .file("a directory went away") }
        return try PartialFile(directory, name: last)
    }

    /// Never empty: neither a prefix nor a name is.
    private func parts(_ name: ObjectName) -> [String] {
        "\(path)/\(name.text)".split(separator: "/").map(String.init)
    }

    /// Runs what blocks on a thread that may block.
    /// - Throws: what the body throws; `cancelled` if the task was cancelled before the body began.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BucketError) -> Value
    ) async throws(BucketError) -> Value {
        let result: Result<Value, BucketError>
        do {
            result = try await NIOThreadPool.singleton.runIfActive {
                Result { () throws(BucketError) in try body() }
            }
        } catch {
            throw .cancelled
        }
        return try result.get()
    }
}
