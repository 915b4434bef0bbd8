package import Contracts

/// A derived stream, as the catalog keeps it (kind `derived-stream`, by name).
package struct DerivedStreamDefinition: Sendable, Codable, Equatable {
    package static let kind = "derived-stream"

    /// How its levels were named. In JSON: `{"granular":{}}` or `{"cumulative":{"_0":2}}`.
    package enum Mode: Sendable, Codable, Equatable {
        case granular
        case cumulative(Int)
    }

    package var name: String
    package var id: StreamID
    /// The name of the stream that it is a view of.
    package var source: String
    package var mode: Mode
    /// The resulting set: an event must consent to all of them, and these fields are opened.
    package var levels: ConsentLevels
    package var createdAt: Milliseconds
    package var createdBy: String
    /// Whether a data protection officer lets it be read; nil in records from before there were
    /// approvals, which can be read.
    package var approval: Approval?
    /// Fields whose values are replaced by keyed hashes. nil: none.
    package var masks: [MaskRule]?
    /// Base64 of the seed of its HMACs, sealed by the vault for this stream's name and number. It
    /// goes with the stream.
    package var sealedMaskSeed: String?

    package init(
        name: String, id: StreamID, source: String, mode: Mode, levels: ConsentLevels,
        createdAt: Milliseconds, createdBy: String, approval: Approval? = nil,
        masks: [MaskRule]? = nil
    ) {
        self.name = name
        self.id = id
        self.source = source
        self.mode = mode
        self.levels = levels
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.approval = approval
        self.masks = masks
    }

    /// Nothing of it leaves while this is false.
    package var isApproved: Bool { approval.map { $0.state == .approved } ?? true }
}
