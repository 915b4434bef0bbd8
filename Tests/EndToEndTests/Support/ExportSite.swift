import Foundation

/// A deployment that may export to the loopback, and beside it a store that speaks S3.
final class ExportSite {
    let deployment: Deployment
    let store: S3Store
    private static let settings = [
        "STRM_EXPORTS_ALLOW_INSECURE_ENDPOINTS": "true",
        "STRM_EXPORTS_ALLOW_PRIVATE_ADDRESSES": "true",
        "STRM_EXPORTS_INTERVAL_SECONDS_MIN": "1",
    ]

    private init(_ deployment: Deployment, _ store: S3Store) {
        self.deployment = deployment
        self.store = store
    }

    /// With a running server and a running store.
    /// - Parameter hasDemo: also with what `Deployment.withDemo` has.
    static func start(hasDemo: Bool = true) async throws -> ExportSite {
        let deployment = try Deployment()
        let store = try await S3Store.start(in: deployment.scratch.path)
        let site = ExportSite(deployment, store)
        try await deployment.initialise()
        try await site.startServer()
        if hasDemo { try await deployment.prepareDemo() }
        return site
    }

    func startServer(_ more: [String: String] = [:]) async throws {
        try await deployment.start(environment: Self.settings.merging(more) { _, new in new })
    }

    /// A file of the deployment's own scratch directory.
    func file(_ name: String, _ text: String) throws -> String {
        let path = "\(deployment.scratch.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        chmod(path, 0o600)
        return path
    }

    /// Makes a connector to the bucket `orders`; the store is asked whether it works.
    /// - Parameter port: of the store, or of something in front of it.
    func connects(
        _ name: String, as user: S3Store.User, port: Int? = nil, _ more: [String] = []
    ) async throws -> Finished {
        let secret = try file("secret-\(name)", user.secret + "\n")
        return try await deployment.strm(
            [
                "create", "connector", name, "--type", "s3", "--bucket", "orders", "--region",
                store.region, "--endpoint", "http://127.0.0.1:\(port ?? store.port)",
                "--path-style", "--access-key-id", user.id, "--secret-access-key-file", secret,
            ] + more)
    }

    func exports(_ stream: String, to connector: String, _ more: String...) async throws {
        try await deployment.expectSuccess(
            ["create", "batch-exporter", stream, "--connector", connector, "--interval", "1"]
                + more)
    }

    func status(_ exporter: String) async throws -> [String: Any] {
        try await deployment.expectSuccess("get", "batch-exporter", exporter, "--output", "json")
            .json()
    }

    /// The status of all exporters, by name.
    func statuses() async throws -> [String: [String: Any]] {
        let list = try await deployment.expectSuccess(
            "list", "batch-exporters", "--output", "json"
        ).json()
        var byName: [String: [String: Any]] = [:]
        for item in list["items"] as? [[String: Any]] ?? [] {
            if let name = item["name"] as? String { byName[name] = item }
        }
        return byName
    }

    /// Waits until all that was sent is exported.
    func catchesUp(_ exporters: String..., seconds: Double = 60) async throws {
        try await catchesUp(exporters, seconds: seconds)
    }

    func catchesUp(_ exporters: [String], seconds: Double) async throws {
        let isDone = try await Wait.asking(seconds: seconds) {
            let statuses = try await self.statuses()
            return exporters.allSatisfy { statuses[$0]?["lagEvents"] as? Int == 0 }
        }
        guard isDone else {
            let statuses = try await statuses()
            let told = exporters.map { "\($0): \(String(describing: statuses[$0]))" }
            throw Unexpected("the exporters do not catch up: \(told.joined(separator: "; "))")
        }
    }

    /// Lets the independent checker look at what the store holds of `stream`, and compares it with
    /// what a read of it gives.
    func checks(
        _ stream: String, exporter: String, _ more: [String] = []
    ) async throws -> Finished {
        let read = try await deployment.expectSuccess(
            "listen", stream, "--from", "0", "--no-follow")
        let expected = try file("expected-\(stream)", read.output)
        return try await checks(
            exporter: exporter, ["--stream", stream, "--expected", expected] + more)
    }

    /// - Parameter exporter: whose manifest key is used.
    func checks(exporter: String, _ more: [String]) async throws -> Finished {
        guard let key = try await status(exporter)["manifestKey"] as? String else {
            throw Unexpected("no key for manifests")
        }
        let secret = try file("secret", store.admin.secret)
        return try await store.checks(key: key, more, secretFile: secret)
    }

    /// Entries of the audit log about one act.
    func audit(_ act: String, _ more: String...) async throws -> [[String: Any]] {
        let listed = try await deployment.expectSuccess(
            ["audit", "list", "--act", act, "--limit", "1000000", "--output", "json"] + more)
        return try listed.json()["items"] as? [[String: Any]] ?? []
    }
}

/// How long the tests of exports go on that get better the longer they run.
enum ExportEffort {
    /// Batches of all exporters together, at least so many before it is looked at them.
    static let batches =
        ProcessInfo.processInfo.environment["STRM_TEST_EXPORT_BATCHES"].flatMap { Int($0) } ?? 40
}

/// `s3_rig.py`, running.
final class S3Store {
    struct User {
        var id: String
        var secret: String
    }

    let port: Int
    let region: String
    /// May do what an exporter needs, nothing else.
    let writer: User
    /// May do the same without putting objects.
    let watcher: User
    /// May do nothing but become `roleARN`.
    let traveller: User
    let admin: User
    let roleARN: String
    let externalID: String
    private let companion: Companion

    static func start(in directory: String) async throws -> S3Store {
        let companion = try await Companion.start("s3_rig.py", in: directory)
        return try S3Store(companion)
    }

    private init(_ companion: Companion) throws {
        self.companion = companion
        let told = companion.greeting
        func text(_ name: String) throws -> String {
            guard let text = told[name] as? String else { throw Unexpected("no \(name)") }
            return text
        }
        guard let port = told["port"] as? Int else { throw Unexpected("no port") }
        self.port = port
        region = try text("region")
        writer = User(id: try text("accessKeyId"), secret: try text("secretAccessKey"))
        watcher = User(id: try text("deniedAccessKeyId"), secret: try text("deniedSecretAccessKey"))
        traveller = User(
            id: try text("roleUserAccessKeyId"), secret: try text("roleUserSecretAccessKey"))
        admin = User(id: try text("adminAccessKeyId"), secret: try text("adminSecretAccessKey"))
        roleARN = try text("roleArn")
        externalID = try text("externalId")
    }

    func checks(key: String, _ more: [String], secretFile: String) async throws -> Finished {
        try await ExportChecker.run(
            [
                "--key", key, "--endpoint", "http://127.0.0.1:\(port)", "--bucket", "orders",
                "--region", region, "--access-key-id", admin.id, "--secret-file", secretFile,
            ] + more)
    }
}

/// `check_export.py`: events are told apart by their urls.
enum ExportChecker {
    static func run(_ arguments: [String]) async throws -> Finished {
        try await Tool.run(
            Tool.python,
            [Tool.script("check_export.py"), "--id-pointer", "/url"] + arguments,
            environment: Companion.environment)
    }
}

extension Wait {
    /// As `until`, for a condition that asks a program: looks again 100 ms after each answer.
    static func asking(
        seconds: Double, _ condition: () async throws -> Bool
    ) async throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        while try await !condition() {
            guard clock.now < end else { return false }
            try await clock.sleep(for: .milliseconds(100))
        }
        return true
    }
}
