import Foundation
import Server

/// The master key and the keyring: marked where they are kept, and brought to a sealed server.
extension ProofRun {
    private static let masterKeyBytes = 32
    /// Of a keyring file: behind the header, where each generation is sealed anew.
    private static let sealed = 60..<96
    /// A key is tried once a second.
    private static let triesMax = 40

    /// An erasure makes a new master key, and each generation of the keyring has other bytes: call it
    /// whenever that may have happened.
    func markCustody(in keyring: String) async {
        await drive("custody.marked") {
            let files = FileManager.default
            guard let text = files.contents(atPath: "\(keyring)/master.key"),
                let key = Data(
                    base64Encoded: String(decoding: text, as: UTF8.self)
                        .trimmingCharacters(in: .whitespacesAndNewlines)),
                key.count == Self.masterKeyBytes
            else { throw ProofGap("the master key cannot be read") }
            mark(custody: Array(key), "masterKey")
            guard let file = files.contents(atPath: "\(keyring)/keyring").map({ [UInt8]($0) }),
                file.count >= Self.sealed.upperBound
            else { throw ProofGap("the keyring cannot be read") }
            mark(custody: Array(file[Self.sealed]), "keyring")
        }
    }

    /// To a server that was started without its master key: a wrong one, then the right one.
    func unseal(from keyring: String) async {
        await drive("unseal.refused") {
            // 32 bytes as they are, which is one of the forms that a key may have.
            let wrong = String(
                LeakMarker.random(.credential, "").text.prefix(Self.masterKeyBytes))
            mark(credential: wrong, "unseal.refused")
            let reply = try await bringKey(Array(wrong.utf8))
            guard reply.status == 403 else {
                throw ProofGap("the status was \(reply.status), not 403")
            }
            keep(reply, "unseal.refused")
        }
        await drive("unseal.opened") {
            let key = FileManager.default.contents(atPath: "\(keyring)/master.key") ?? Data()
            var reply = try await bringKey([UInt8](key))
            for _ in 0..<Self.triesMax where reply.status == 429 {
                try await Task.sleep(for: .milliseconds(100))
                reply = try await bringKey([UInt8](key))
            }
            try expect(reply, 204)
            keep(reply, "unseal.opened")
        }
    }

    private func bringKey(_ key: [UInt8]) async throws -> Reply {
        try await raw("POST", "/v1/unseal", [("content-type", "text/plain")], key)
    }
}
