import Foundation
import Testing

@testable import Buckets

@Suite("A local directory")
struct LocalBucketTests {
    /// The operator's directory, removed at the end.
    private final class Root {
        let path = NSTemporaryDirectory() + "local-\(UUID().uuidString)"
        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func bucket(_ below: String = "team/a") async throws -> LocalBucket {
            try await LocalBucket.open(
                LocalLocation(path: below), policy: BucketPolicy(localDirectory: path))
        }

        /// Files and directories below, without those that are only on the way.
        var files: [String] {
            let all = FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []
            return all.filter { name in
                var isDirectory: ObjCBool = false
                _ = FileManager.default.fileExists(
                    atPath: "\(path)/\(name)", isDirectory: &isDirectory)
                return !isDirectory.boolValue
            }.sorted()
        }

        func mode(_ name: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
        }
    }

    private func name(_ text: String) throws -> ObjectName { try #require(ObjectName(text)) }

    @Test("shows an object whole, and not before it is finished")
    func whole() async throws {
        let root = try Root()
        let bucket = try await root.bucket()
        let upload = try await bucket.begin(try name("d/x.jsonl"), contentType: "text/plain")
        let part = [UInt8](repeating: 0x61, count: BucketLimits.partBytes)
        try await upload.append(part)
        #expect(root.files == ["team/a/d/.x.jsonl.partial"])
        try await upload.finish([0x62])
        #expect(root.files == ["team/a/d/x.jsonl"])
        let data = try Data(contentsOf: URL(filePath: "\(root.path)/team/a/d/x.jsonl"))
        #expect([UInt8](data) == part + [0x62])
        #expect(try root.mode("team/a/d/x.jsonl") == 0o600)
        #expect(try root.mode("team/a/d") == 0o700)
    }

    @Test("replaces an object of the same name, and what a killed process left behind")
    func replaces() async throws {
        let root = try Root()
        let bucket = try await root.bucket()
        try await bucket.put(try name("x"), Array("long and old".utf8), contentType: "t/p")
        try Data("half".utf8).write(to: URL(filePath: "\(root.path)/team/a/.x.partial"))
        try await bucket.put(try name("x"), Array("new".utf8), contentType: "t/p")
        #expect(root.files == ["team/a/x"])
        let text = try String(contentsOfFile: "\(root.path)/team/a/x", encoding: .utf8)
        #expect(text == "new")
    }

    @Test("keeps nothing of an upload that was given up, and what was there before stays")
    func aborts() async throws {
        let root = try Root()
        let bucket = try await root.bucket()
        try await bucket.put(try name("x"), Array("old".utf8), contentType: "t/p")
        let upload = try await bucket.begin(try name("x"), contentType: "t/p")
        try await upload.append([UInt8](repeating: 1, count: BucketLimits.partBytes))
        await upload.abort()
        #expect(root.files == ["team/a/x"])
    }

    @Test("takes a file back also in a cancelled task")
    func cancelled() async throws {
        let root = try Root()
        let upload = try await root.bucket().begin(try name("x"), contentType: "t/p")
        try await upload.append([UInt8](repeating: 1, count: BucketLimits.partBytes))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            await upload.abort()
        }
        task.cancel()
        await task.value
        #expect(root.files.isEmpty)
    }

    @Test("may be told twice to finish an object")
    func finishedTwice() async throws {
        let root = try Root()
        let upload = try await root.bucket().begin(try name("x"), contentType: "t/p")
        let part = [UInt8](repeating: 0x61, count: BucketLimits.partBytes)
        try await upload.append(part)
        try await upload.finish([0x62])
        try await upload.finish([0x62])
        await upload.abort()
        #expect(root.files == ["team/a/x"])
        let data = try Data(contentsOf: URL(filePath: "\(root.path)/team/a/x"))
        #expect([UInt8](data) == part + [0x62])
    }

    @Test("writes a part over what a failed write has left of it")
    func repeatedWrite() async throws {
        let root = try Root()
        let directory = try Directory(root: root.path)
        let file = try PartialFile(directory, name: "x")
        try file.append([1, 2])
        // As if a write had got this far and failed.
        let other = try #require(FileHandle(forWritingAtPath: "\(root.path)/.x.partial"))
        try other.seekToEnd()
        try other.write(contentsOf: [9, 9, 9, 9])
        try other.close()
        try file.append([3])
        try file.publish([4])
        #expect(root.files == ["x"])
        #expect(try Data(contentsOf: URL(filePath: "\(root.path)/x")) == Data([1, 2, 3, 4]))
    }

    @Test("has no object whose name begins with a dot: such files are on their way")
    func dots() async throws {
        let root = try Root()
        let (bucket, object) = (try await root.bucket(), try name("d/.x.partial"))
        await #expect(throws: BucketError.file("a name begins with a dot")) {
            try await bucket.put(object, [1], contentType: "t/p")
        }
        #expect(root.files.isEmpty)
    }

    @Test("keeps nothing of an object that cannot be put")
    func failedPut() async throws {
        let root = try Root()
        let bucket = try await root.bucket()
        try await bucket.put(try name("x/y"), [1], contentType: "t/p")
        let object = try name("x")
        // It is a directory.
        let error = await #expect(throws: BucketError.self) {
            try await bucket.put(object, [2], contentType: "t/p")
        }
        #expect(error == .file("a file cannot be renamed: Is a directory"))
        #expect(root.files == ["team/a/x/y"])
    }

    @Test("deletes an object, and one that is not there too")
    func deletes() async throws {
        let root = try Root()
        let bucket = try await root.bucket()
        try await bucket.delete(try name("not/there"))
        try await bucket.put(try name("x"), [1], contentType: "t/p")
        try await bucket.delete(try name("x"))
        try await bucket.delete(try name("x"))
        #expect(root.files.isEmpty)
    }

    @Test("follows no symbolic link below the operator's directory")
    func links() async throws {
        let (root, other) = (try Root(), try Root())
        try FileManager.default.createSymbolicLink(
            atPath: "\(root.path)/team", withDestinationPath: other.path)
        let bucket = try await root.bucket()
        let object = try name("x")
        await #expect(throws: BucketError.self) {
            try await bucket.put(object, [1], contentType: "t/p")
        }
        let plain = try await root.bucket("plain")
        try await plain.put(object, [1], contentType: "t/p")
        // The object's own name is a link: it is replaced, not written through.
        try FileManager.default.removeItem(atPath: "\(root.path)/plain/x")
        try FileManager.default.createSymbolicLink(
            atPath: "\(root.path)/plain/x", withDestinationPath: "\(other.path)/victim")
        try await plain.put(object, [2], contentType: "t/p")
        #expect(other.files.isEmpty)
    }

    @Test("is refused where the operator has set none, and outside the rules for paths")
    func refused() async throws {
        let root = try Root()
        #expect(throws: BucketError.self) {
            try LocalBucket.check(LocalLocation(path: "a"), policy: BucketPolicy())
        }
        for path in ["", "/a", "a//b", "../a", "a/..", "a/../b", ".hidden", "a\0b", "a b"] {
            #expect(throws: BucketError.self, "\(path)") {
                try LocalBucket.check(
                    LocalLocation(path: path), policy: BucketPolicy(localDirectory: root.path))
            }
        }
        await #expect(throws: BucketError.self) {
            _ = try await LocalBucket.open(
                LocalLocation(path: "a"), policy: BucketPolicy(localDirectory: "/nonexistent/x"))
        }
    }
}
