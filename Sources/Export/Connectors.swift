package import Buckets
import Foundation
import Store
import Vault

/// Opens the buckets that connectors name.
package enum Connectors {
    /// Says what can be said without a network; what passes holds nothing but names and addresses.
    package static func check(
        _ location: BucketLocation, _ credentials: BucketCredentials, _ context: ExportContext
    ) throws(BucketError) {
        try BucketOpener.check(location, credentials, policy: context.policy)
    }

    /// Puts a probe object and removes it again. Takes at most a minute and a half.
    /// - Throws: what is wrong, for whoever made the connector.
    package static func probe(
        _ location: BucketLocation, _ credentials: BucketCredentials, _ context: ExportContext
    ) async throws(BucketError) {
        try await BucketOpener.probe(
            location, credentials, policy: context.policy, clock: context.clock)
    }

    /// The same for one that is there already.
    package static func probe(
        _ connector: ConnectorRecord, _ context: ExportContext
    ) async throws(BucketError) {
        let credentials: BucketCredentials
        do throws(VaultError) {
            credentials = try connector.credentials(context.vault)
        } catch {
            throw .credentialsRefused(code: "cannot be opened")
        }
        try await probe(connector.location, credentials, context)
    }

    /// The same for whoever has something else to put there than events: errors say what is wrong
    /// with the connector.
    package static func open(
        named name: String, _ context: ExportContext
    ) async throws(BucketError) -> any Bucket {
        do throws(ExportError) {
            return try await open(name, context)
        } catch {
            switch error {
            case .bucket(let error): throw error
            case .gone: throw .invalid(pointer: "/connector", expected: "the name of a connector")
            default: throw .credentialsRefused(code: "cannot be opened")
            }
        }
    }

    /// The bucket of the connector of this name, as the catalog has it now. To be closed.
    static func open(
        _ name: String, _ context: ExportContext
    ) async throws(ExportError) -> any Bucket {
        let key = DocumentKey(kind: ConnectorRecord.kind, name: name)
        guard let document = context.store.document(key),
            let connector = try? JSONDecoder().decode(
                ConnectorRecord.self, from: Data(document.body))
        else { throw .gone("the connector \(name)") }
        let credentials: BucketCredentials
        do throws(VaultError) {
            credentials = try connector.credentials(context.vault)
        } catch {
            throw .vault(error)
        }
        do throws(BucketError) {
            return try await BucketOpener.open(
                connector.location, credentials, policy: context.policy, clock: context.clock)
        } catch {
            throw ExportError(error)
        }
    }
}
