import Foundation

/// A proof that an entry is in a log, which anybody verifies offline, as C2SP tlog-proof writes it:
///
///     c2sp.org/tlog-proof@v1
///     extra <base64: the entry itself; this line may be missing>
///     index <decimal>
///     <hash, base64>      the siblings, from the leaf's up to the root's child; RFC 6962 §2.1.1
///     …
///     <empty line>
///     <checkpoint, a signed note>
///
/// What stands under `extra` is believed only because its hash is in the tree.
package struct EntryProof: Sendable {
    package static let mark = "c2sp.org/tlog-proof@v1"
    /// A tree has at most 2^63 leaves.
    package static let hashCountMax = 63
    /// An entry in base64, 63 hashes and a checkpoint fit in it.
    package static let byteCountMax = 256 << 10

    /// nil: whoever verifies the proof has it from elsewhere.
    package let entry: [UInt8]?
    package let index: UInt64
    package let hashes: [TreeHash]
    /// The signed note. Not verified by parsing.
    package let note: [UInt8]

    package init(entry: [UInt8]?, index: UInt64, hashes: [TreeHash], note: [UInt8]) {
        self.entry = entry
        self.index = index
        self.hashes = hashes
        self.note = note
    }

    /// - Throws: `ProofError.malformed` for anything but the format above.
    package init(parsing bytes: [UInt8]) throws(ProofError) {
        guard bytes.count <= Self.byteCountMax else { throw .malformed("too long") }
        var lines = ProofLines(bytes)
        guard lines.next() == Self.mark else { throw .malformed("it does not begin as one") }
        var line = lines.next()
        var entry: [UInt8]?
        if let text = line?.removingPrefix("extra ") {
            guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else {
                throw .malformed("extra is not base64")
            }
            entry = Array(data)
            line = lines.next()
        }
        guard let text = line?.removingPrefix("index "), let index = UInt64(text),
            String(index) == text
        else { throw .malformed("no index") }
        hashes = try lines.hashes(countMax: Self.hashCountMax)
        self.entry = entry
        self.index = index
        note = lines.rest
    }

    /// The proof as it is stored and sent.
    package var text: String {
        var result = Self.mark + "\n"
        if let entry { result += "extra \(Data(entry).base64EncodedString())\n" }
        result += "index \(index)\n"
        for hash in hashes { result += hash.base64 + "\n" }
        return result + "\n" + String(decoding: note, as: UTF8.self)
    }

    /// Verifies signature and inclusion.
    ///
    /// - Parameter entry: the entry if the proof does not carry it; if both are there, both count.
    /// - Returns: the signed tree, and the entry that is in it at `index`.
    package func verified(
        by chain: KeyChain, entry: [UInt8]? = nil
    ) throws(ProofError) -> (checkpoint: Checkpoint, entry: [UInt8]) {
        let checkpoint: Checkpoint
        do { checkpoint = try chain.checkpoint(note) } catch { throw .checkpoint(error) }
        return (checkpoint, try included(in: checkpoint, entry: entry))
    }

    /// Verifies inclusion in a tree that the caller believes in.
    func included(
        in checkpoint: Checkpoint, entry given: [UInt8]? = nil
    ) throws(ProofError) -> [UInt8] {
        guard let entry = given ?? entry else { throw .noEntry }
        for candidate in [given, self.entry].compactMap(\.self) {
            guard
                MerkleTree.verifyInclusion(
                    leafHash: MerkleTree.leafHash(candidate), index: index, size: checkpoint.size,
                    root: checkpoint.root, proof: hashes)
            else { throw .notIncluded(index: index, size: checkpoint.size) }
        }
        return entry
    }
}

/// Lines of a proof, up to the note, which stays as it is.
struct ProofLines {
    private(set) var rest: [UInt8]

    init(_ bytes: [UInt8]) { rest = bytes }

    /// nil: no line is ended any more, or it is not UTF-8.
    mutating func next() -> String? {
        guard let end = rest.firstIndex(of: 0x0A),
            let line = String(validating: rest[..<end], as: UTF8.self)
        else { return nil }
        rest = Array(rest[(end + 1)...])
        return line
    }

    /// Hashes, one a line, and the empty line behind them.
    mutating func hashes(countMax: Int) throws(ProofError) -> [TreeHash] {
        var hashes: [TreeHash] = []
        while true {
            guard let line = next() else { throw .malformed("no empty line before the checkpoint") }
            if line.isEmpty { return hashes }
            guard let hash = TreeHash(base64: line) else {
                throw .malformed("a hash is not the base64 of 32 bytes")
            }
            guard hashes.count < countMax else { throw .malformed("more than \(countMax) hashes") }
            hashes.append(hash)
        }
    }
}

extension String {
    /// nil unless it begins so.
    func removingPrefix(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
