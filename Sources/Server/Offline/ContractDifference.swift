import Contracts

/// Two contract documents compared without a server, for the command line.
package enum ContractDifference {
    /// Which document is wrong, and how.
    package struct Refused: Error, CustomStringConvertible {
        package let isOld: Bool
        package let description: String
    }

    /// What `POST /v1/contracts/compare` answers, as JSON. Each document is JSON or YAML.
    package static func compare(old: [UInt8], new: [UInt8]) throws(Refused) -> [UInt8] {
        let before = try document(old, isOld: true)
        let after = try document(new, isOld: false)
        do throws(ContractError) {
            return answer(try ContractComparison.compare(before, after)).bytes
        } catch {
            throw Refused(isOld: false, description: error.description)
        }
    }

    private static func document(
        _ bytes: [UInt8], isOld: Bool
    ) throws(Refused) -> ContractDocument {
        do throws(ContractError) {
            let document = try OfflineContract.document(bytes)
            _ = try Contract(document: document, number: 0, isNew: true)
            return document
        } catch {
            throw Refused(isOld: isOld, description: error.description)
        }
    }

    static func answer(_ changes: [ContractChange]) -> WireValue {
        let items = changes.map { change -> WireValue in
            [
                "path": .string(change.path), "change": .string(change.change),
                "breaks": .array(change.breaks.map { .string($0.rawValue) }),
            ]
        }
        let breaks = ContractChange.Break.allCases.map { kind -> (String, WireValue) in
            (kind.rawValue, .bool(changes.contains { $0.breaks.contains(kind) }))
        }
        return [
            "changes": .array(items),
            "breaks": .object(breaks.map { (name: $0.0, value: $0.1) }),
            "needsApproval": .bool(changes.contains { $0.breaks.contains(.privacy) }),
        ]
    }
}
