import AuditProof
import Foundation
import Testing

@Suite("Proofs that are given away")
struct ProofTextTests {
    private static func entryProof(_ log: SampleLog, _ index: Int, size: Int) throws -> EntryProof {
        let hashes = log.leaves.map { MerkleTree.leafHash($0) }
        let path = MerkleTree.inclusionProof(index: UInt64(index), size: UInt64(size)) {
            SampleLog.root(hashes[Int($0.index) << $0.level..<Int($0.index + 1) << $0.level])
        }
        return EntryProof(
            entry: log.leaves[index], index: UInt64(index), hashes: try #require(path),
            note: try log.checkpoint(size: size))
    }

    private static func update(_ log: SampleLog, _ old: Int, _ new: Int) throws -> TreeUpdate {
        let hashes = log.leaves.map { MerkleTree.leafHash($0) }
        let path = MerkleTree.consistencyProof(oldSize: UInt64(old), newSize: UInt64(new)) {
            SampleLog.root(hashes[Int($0.index) << $0.level..<Int($0.index + 1) << $0.level])
        }
        return TreeUpdate(
            oldSize: UInt64(old), hashes: path ?? [], note: try log.checkpoint(size: new))
    }

    @Test("inclusion proofs hold by ours, by Python and by Go, and none of them with another entry")
    func inclusion() throws {
        let log = try SampleLog(size: 70)
        let chain = KeyChain(log.signer.key)
        let directory = try TemporaryDirectory()
        for (index, size) in [(0, 1), (0, 70), (69, 70), (41, 64), (63, 65)] {
            let proof = try Self.entryProof(log, index, size: size)
            let read = try EntryProof(parsing: Array(proof.text.utf8))
            #expect(read.text == proof.text)
            let (checkpoint, entry) = try read.verified(by: chain)
            #expect(checkpoint.size == UInt64(size))
            #expect(entry == log.leaves[index])
            let forged = EntryProof(
                entry: SampleLog.leaf(index, at: 0), index: proof.index, hashes: proof.hashes,
                note: proof.note)
            #expect(throws: ProofError.notIncluded(index: UInt64(index), size: UInt64(size))) {
                try forged.verified(by: chain)
            }
            for (proof, status) in [(proof, Int32(0)), (forged, 1)] {
                let file = directory.url.appendingPathComponent("proof")
                try Data(proof.text.utf8).write(to: file)
                let python = try OtherVerifier.python.run(
                    log.signer.key, nil, ["--proof", file.path])
                #expect(python.status == status)
                let go = try OtherVerifier.run(
                    try OtherVerifier.go().program,
                    ["-proof", file.path, log.signer.key.description])
                #expect(go.status == status)
            }
        }
    }

    @Test("an entry beside a proof without one counts, and none at all is told")
    func entryBeside() throws {
        let log = try SampleLog(size: 9)
        let whole = try Self.entryProof(log, 4, size: 9)
        let bare = EntryProof(entry: nil, index: 4, hashes: whole.hashes, note: whole.note)
        let read = try EntryProof(parsing: Array(bare.text.utf8))
        let chain = KeyChain(log.signer.key)
        #expect(throws: ProofError.noEntry) { try read.verified(by: chain) }
        #expect(try read.verified(by: chain, entry: log.leaves[4]).entry == log.leaves[4])
        #expect(throws: ProofError.notIncluded(index: 4, size: 9)) {
            try read.verified(by: chain, entry: log.leaves[5])
        }
    }

    @Test("consistency proofs hold by ours and by Python against the kept checkpoint alone")
    func consistency() throws {
        let log = try SampleLog(size: 70)
        var leaves = log.leaves
        leaves[3] = SampleLog.leaf(3, at: SampleLog.startMilliseconds + 2)
        let rewritten = try SampleLog(leaves: leaves)
        let chain = KeyChain(log.signer.key)
        let directory = try TemporaryDirectory()
        let files = (
            proof: directory.url.appendingPathComponent("proof"),
            kept: directory.url.appendingPathComponent("kept")
        )
        for (old, new) in [(0, 70), (1, 70), (64, 70), (33, 70), (70, 70), (7, 64)] {
            let kept = try log.checkpoint(size: old)
            try Data(kept).write(to: files.kept)
            for (source, isTrue) in [(log, true), (rewritten, old < 4)] {
                let update = try Self.update(source, old, new)
                let read = try TreeUpdate(parsing: Array(update.text.utf8))
                #expect(read.text == update.text)
                if isTrue {
                    #expect(try read.verified(by: chain, since: kept).size == UInt64(new))
                } else {
                    #expect(
                        throws: ProofError.notConsistent(
                            oldSize: UInt64(old), newSize: UInt64(new))
                    ) { try read.verified(by: chain, since: kept) }
                }
                try Data(update.text.utf8).write(to: files.proof)
                let python = try OtherVerifier.python.run(
                    log.signer.key, files.kept, ["--update", files.proof.path])
                #expect((python.status == 0) == isTrue, "\(old) to \(new)")
            }
        }
        let update = try Self.update(log, 33, 70)
        #expect(throws: ProofError.otherOldSize(proof: 33, kept: 34)) {
            try update.verified(by: chain, since: try log.checkpoint(size: 34))
        }
    }

    @Test("what is no proof is refused with a reason")
    func malformed() throws {
        let log = try SampleLog(size: 9)
        let text = try Self.entryProof(log, 4, size: 9).text
        for broken in [
            "", "c2sp.org/tlog-proof@v1\n", text.replacing("index 4", with: "index 04"),
            text.replacing("tlog-proof@v1", with: "tlog-proof@v2"),
            text.replacing("extra ", with: "extra -"),
            String(text.prefix { $0 != "\n" }) + "\nindex 4\nAAAA\n\n",
            "c2sp.org/tlog-proof@v1\nindex 4\n"
                + String(repeating: MerkleTree.emptyRoot.base64 + "\n", count: 64) + "\n",
        ] {
            #expect(throws: ProofError.self, "\(broken)") {
                try EntryProof(parsing: Array(broken.utf8))
            }
        }
        for broken in ["", "old 04\n\n", "old -1\n\n", "old 4\nAAAA\n\n", "old 4\n"] {
            #expect(throws: ProofError.self) { try TreeUpdate(parsing: Array(broken.utf8)) }
        }
    }

    @Test("a cosignature of the specification's form is verified, and its time read")
    func cosignature() throws {
        // The vector of C2SP's own text has no public key; this one is made by Python's library.
        let (note, key) = try Cosigned.sample()
        let parsed = try CosignerKey(key)
        #expect(parsed.description == key)
        #expect(try parsed.cosigned(SignedNote(parsing: note)) == 1_679_315_147)
        var altered = note
        altered[0] ^= 1
        #expect(throws: NoteError.badSignature) {
            try parsed.cosigned(try SignedNote(parsing: altered))
        }
        let log = try SampleLog(size: 3)
        #expect(throws: NoteError.notSigned) {
            try parsed.cosigned(try SignedNote(parsing: try log.checkpoint()))
        }
        for text in [log.signer.verifierKey, key + "A", "a+b", key.replacing("witness", with: "x")]
        {
            #expect(throws: NoteError.self) { try CosignerKey(text) }
        }
    }
}

/// A checkpoint with a witness's cosignature, made by hand.
enum Cosigned {
    static func sample() throws -> (note: [UInt8], key: String) {
        let python = OtherVerifier.python
        let script = """
            import base64, hashlib, struct, sys
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            key = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
            material = b"\\x04" + key.public_key().public_bytes_raw()
            name = "witness.example/w1"
            key_id = hashlib.sha256(name.encode() + b"\\n" + material).digest()[:4]
            text = "log.example/audit\\n0\\n%s\\n" % base64.b64encode(
                hashlib.sha256(b"").digest()).decode()
            time = 1679315147
            signature = key.sign(("cosignature/v1\\ntime %d\\n" % time + text).encode())
            blob = base64.b64encode(key_id + struct.pack(">Q", time) + signature).decode()
            print("%s+%s+%s" % (name, key_id.hex(), base64.b64encode(material).decode()))
            print(text + "\\n\\u2014 " + name + " " + blob)
            """
        let (status, output) = try OtherVerifier.run(python.program, ["-c", script])
        try #require(status == 0)
        let end = try #require(output.firstIndex(of: 0x0A))
        return (Array(output[(end + 1)...]), String(decoding: output[..<end], as: UTF8.self))
    }
}
