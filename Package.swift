// swift-tools-version: 6.2
import PackageDescription

/// One set of settings for every Swift target. Upcoming features, each with its proposal:
/// ExistentialAny: https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
/// InternalImportsByDefault: https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
/// MemberImportVisibility: https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
/// NonisolatedNonsendingByDefault: https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func module(
    _ name: String, _ dependencies: [Target.Dependency] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies,
        swiftSettings: settings)
}

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let configuration: Target.Dependency = .product(
    name: "Configuration", package: "swift-configuration")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let asyncHTTPClient: Target.Dependency = .product(
    name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "stream-machine",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "strm", targets: ["strm"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: [.defaults, "CommandLineArguments"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C behind Swift: module maps and thin shims, no logic.
        .systemLibrary(
            name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .systemLibrary(
            name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CPlatform"),
        .target(
            name: "CCompression",
            linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd")]),

        // The modules, lowest first. ARCHITECTURE.md has the map and a test holds it.
        module("Contracts", ["CSimdJSON", "CRE2", yams]),
        module("Store", ["CRocksDB", "CPlatform", "Contracts"]),
        module("AuditProof", [crypto]),
        module("Audit", ["AuditProof", "Store"]),
        module("Vault", ["COpenSSL", "CPlatform", "Store", "Audit"]),
        module("Privacy", ["Contracts", "COpenSSL"]),
        module("Ingest", ["Contracts", "Privacy", "Vault", "Store", "Audit"]),
        module("Query", ["Contracts", "Privacy", "Vault", "Store", "Audit", crypto]),
        module(
            "Buckets", [asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioSSL, crypto, cryptoExtras]),
        module(
            "Export",
            [
                "CCompression", "Buckets", "Contracts", "Store", "AuditProof", "Audit", "Vault",
                "Query", crypto, logging,
            ]),
        module("Witness", ["AuditProof", "Store", "Audit", "Buckets", logging]),
        module(
            "Subjects",
            ["Contracts", "Store", "AuditProof", "Audit", "Vault", "Query", crypto, logging]),
        module(
            "HTTP",
            ["CNGHTTP2", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioTLS, nioSSL, logging]),
        module(
            "Server",
            [
                "Contracts", "Store", "AuditProof", "Audit", "Vault", "Privacy", "Ingest", "Query",
                "Buckets", "Export", "Witness", "Subjects", "HTTP", nioCore, logging, crypto,
                configuration, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "strm",
            dependencies: [
                "Server", "AuditProof", argumentParser, asyncHTTPClient, nioCore, nioPosix,
                nioHTTP1, nioWebSocket, nioHTTP2, nioHPACK, nioSSL,
            ],
            swiftSettings: settings),

        .testTarget(
            name: "ContractsTests", dependencies: ["Contracts"], exclude: ["Data"],
            swiftSettings: settings),
        tests("Store", ["Contracts"]),
        .testTarget(
            name: "AuditProofTests", dependencies: ["AuditProof", crypto], exclude: ["Support"],
            swiftSettings: settings),
        tests("Audit", ["AuditProof", "Store"]),
        tests("Vault", ["Store", "AuditProof", "Audit", "Privacy", "Contracts", "COpenSSL"]),
        .testTarget(
            name: "PrivacyTests", dependencies: ["Privacy", "Contracts", "COpenSSL", crypto],
            exclude: ["Data"], swiftSettings: settings),
        tests("Ingest", ["Contracts", "Privacy", "Vault", "Store", "Audit", "AuditProof"]),
        tests(
            "Query",
            ["Contracts", "Privacy", "Vault", "Store", "Audit", "AuditProof", "Ingest", crypto]),
        .testTarget(
            name: "BucketsTests",
            dependencies: ["Buckets", nioCore, nioPosix, crypto, cryptoExtras],
            exclude: ["Data"], swiftSettings: settings),
        tests(
            "Export",
            [
                "Buckets", "Contracts", "Store", "AuditProof", "Audit", "Vault", "Query", "Ingest",
                "Privacy", crypto, logging,
            ]),
        tests(
            "Witness", ["AuditProof", "Store", "Audit", "Buckets", crypto, logging]),
        tests(
            "Subjects",
            [
                "Contracts", "Store", "AuditProof", "Audit", "Vault", "Query", "Ingest", "Privacy",
                crypto, logging,
            ]),
        tests("HTTP", [nioCore, nioPosix]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Contracts", "Store", "Audit", "AuditProof", "Vault", "Query", "Subjects",
                "HTTP", jwtKit, yams, crypto, logging,
            ], exclude: ["Data", "Scripts"], swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Contracts", "Store", "Vault", "Privacy"],
            exclude: ["Scripts"], swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
