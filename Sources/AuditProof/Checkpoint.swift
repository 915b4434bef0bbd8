/// Why a checkpoint is refused. Descriptions are safe to show.
package enum CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    case note(NoteError)
    case malformed(String)
    /// The checkpoint is validly signed, but speaks of another log than the key's.
    case otherLog(origin: String)
    /// Signed by a key of the log, but for a tree of another time than the key's: the key had been
    /// replaced, or was not there yet.
    case otherTerm(size: UInt64)
    /// As large as the tree in which the log changed its key, and another one.
    case otherTree(size: UInt64)

    package var description: String {
        switch self {
        case .note(let error): error.description
        case .malformed(let reason): "not a checkpoint: \(reason)"
        case .otherLog(let origin): "a checkpoint of another log: \(origin)"
        case .otherTerm(let size):
            "a checkpoint of \(size) entries, signed by a key that does not sign trees of that size"
        case .otherTree(let size):
            "a checkpoint of \(size) entries, which is not the tree in which the log changed its key"
        }
    }
}

/// A tree head: how many entries the log has, and the root hash over them. Signed, it is a
/// C2SP tlog-checkpoint, whose text is
///
///     <origin: the log's name, equal to the name of its key>
///     <size, decimal>
///     <root hash, base64>
///     [<extension lines, which we neither write nor interpret>]
package struct Checkpoint: Hashable, Sendable {
    package let origin: String
    package let size: UInt64
    package let root: TreeHash

    package init(origin: String, size: UInt64, root: TreeHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads a checkpoint that `key` signed. There is no way to read one without a key, so that
    /// nobody acts on a text that nobody signed.
    package init(parsing note: [UInt8], verifiedBy key: VerifierKey) throws(CheckpointError) {
        let signed: SignedNote
        do {
            signed = try SignedNote(parsing: note)
            try signed.verify(with: key)
        } catch {
            throw .note(error)
        }
        try self.init(text: signed.text)
        guard origin == key.name else { throw .otherLog(origin: origin) }
    }

    /// The text that is signed.
    package var text: String { "\(origin)\n\(size)\n\(root.base64)\n" }

    private init(text: String) throws(CheckpointError) {
        let lines = text.utf8.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }) else {
            throw .malformed("three lines that are not empty are expected")
        }
        guard let size = UInt64(lines[1]), String(size) == lines[1], size <= UInt64(Int64.max)
        else {
            throw .malformed("the size is not a decimal number")
        }
        guard let root = TreeHash(base64: lines[2]) else {
            throw .malformed("the root is not the base64 of 32 bytes")
        }
        guard size > 0 || root == MerkleTree.emptyRoot else {
            throw .malformed("the root of an empty log is not that of an empty tree")
        }
        self.init(origin: lines[0], size: size, root: root)
    }
}
