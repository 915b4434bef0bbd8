package import Buckets
import Foundation
package import Store
package import Vault

/// A bucket and how to get into it, as the catalog keeps it (kind `connector`, by name).
package struct ConnectorRecord: Sendable, Codable, Equatable {
    package static let kind = "connector"

    package var name: String
    package var location: BucketLocation
    /// Base64 of what `Vault.sealCredential` gives. They open for this name and this location
    /// alone: who changes the location in the database does not get them sent elsewhere.
    package var sealedCredentials: String
    /// `access-key`, `service-account` or `none`: all that is shown of them.
    package var credentialKind: String
    package var createdAt: Milliseconds
    package var createdBy: String

    /// Seals the credentials. Blocks.
    package init(
        name: String, location: BucketLocation, credentials: BucketCredentials, vault: Vault,
        createdAt: Milliseconds, createdBy: String
    ) throws(VaultError) {
        self.name = name
        self.location = location
        self.createdAt = createdAt
        self.createdBy = createdBy
        credentialKind =
            switch credentials {
            case .accessKey: "access-key"
            case .serviceAccount: "service-account"
            case .none: "none"
            }
        let plain: Data
        do { plain = try JSONEncoder().encode(credentials) } catch {
            throw .keyring("the credentials cannot be encoded")
        }
        let sealed = try vault.sealCredential(
            [UInt8](plain), owner: Self.owner(name, location), now: createdAt)
        sealedCredentials = Data(sealed).base64EncodedString()
    }

    /// Opens the credentials. Memory only.
    func credentials(_ vault: Vault) throws(VaultError) -> BucketCredentials {
        guard let sealed = Data(base64Encoded: sealedCredentials) else {
            throw .keyring("a connector's credentials cannot be read")
        }
        let plain = try vault.openCredential([UInt8](sealed), owner: Self.owner(name, location))
        do {
            return try JSONDecoder().decode(BucketCredentials.self, from: Data(plain))
        } catch {
            throw .keyring("a connector's credentials cannot be read")
        }
    }

    private static func owner(_ name: String, _ location: BucketLocation) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A location is made of texts and truth values, which always encode.
        let text = (try? encoder.encode(location)).map { String(decoding: $0, as: UTF8.self) }
        return "connector/\(name)/\(text ?? "")"
    }
}
