import Contracts

/// A contract on the machine of somebody who sends events: checks them as the server would, with
/// the same decoder, and stores nothing.
///
/// Confined to one thread. Memory: the contract's, and some times the largest event.
package final class OfflineContract {
    /// The document is no contract: where and why.
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    /// Why an event does not conform. Holds no value of the event; the pointer may hold names of map
    /// keys, which are the sender's own.
    package struct Complaint: Error, Sendable {
        /// The class of the refusal, the last part of a problem document's type.
        package let kind: String
        /// RFC 6901.
        package let pointer: String
        package let rule: String
        package let expected: String
        /// The contract's validation, and what its author says.
        package let ruleID: String?
        package let message: String?
    }

    /// `handle/name/version`.
    package let ref: String
    private let decoder: EventDecoder

    /// Reads a document in JSON or YAML. Its state is not asked about: a draft can be tried.
    package init(document bytes: [UInt8]) throws(Refused) {
        let registry = ContractRegistry()
        do throws(ContractError) {
            let contract = try Contract(
                document: try Self.document(bytes), number: 1, isNew: true)
            ref = contract.ref.description
            registry.replaceAll([(contract, .active)])
        } catch {
            throw Refused(description: error.description)
        }
        decoder = EventDecoder(registry: registry, limits: EventLimits())
    }

    /// JSON begins with a brace; all else is YAML.
    static func document(_ bytes: [UInt8]) throws(ContractError) -> ContractDocument {
        let isJSON = bytes.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
        return isJSON ? try ContractDocument(json: bytes) : try ContractDocument(yaml: bytes)
    }

    /// Checks one event in JSON.
    /// - Throws: why the server would refuse it.
    package func check(_ event: [UInt8]) throws(Complaint) {
        let refusal: Refusal? = event.withUnsafeBytes { body in
            do throws(Refusal) {
                try decoder.decode(body, format: .json, schemaRef: nil)
                return nil
            } catch {
                return error
            }
        }
        guard let refusal else { return }
        throw Complaint(
            kind: refusal.kind.rawValue, pointer: refusal.pointer, rule: refusal.rule,
            expected: refusal.expected, ruleID: refusal.ruleID, message: refusal.message)
    }
}
