/// Checks an exported log offline: every entry against the tree, the tree against the signed root,
/// and the log against checkpoints that were kept earlier. Needs nothing but the files and what is
/// known of the log's verifier keys (`KnownKeys`), at least one of them: where the log changed its key, the proofs in `rotations/1`,
/// `rotations/2` … lead from that key to the one that signs today (`KeyChain`).
///
/// Reads each file once, in order, and holds one bundle at a time: memory is bounded by 17 MB.
package enum LogVerifier {
    /// Why a file could not be read. A file that does not exist is nil instead.
    package struct ReadFailure: Error {
        package let reason: String
        package init(reason: String) { self.reason = reason }
    }

    /// Where the files come from.
    package struct Source {
        /// The bytes of the file at this path (`checkpoint`, `tile/0/000` …), nil if there is none;
        /// throws if there are more bytes than the second argument says.
        package var read: (String, Int) throws(ReadFailure) -> [UInt8]?
        /// All files below `tile/`, with the paths that `read` takes.
        package var list: () throws(ReadFailure) -> [String]

        package init(
            read: @escaping (String, Int) throws(ReadFailure) -> [UInt8]?,
            list: @escaping () throws(ReadFailure) -> [String]
        ) {
            self.read = read
            self.list = list
        }
    }

    /// - Parameter olderCheckpoints: signed notes of this log that were kept earlier. Without one,
    ///   nobody can tell a log from another that the holder of its key made up instead.
    package static func verify(
        source: Source, keys: KnownKeys, olderCheckpoints: [[UInt8]] = []
    ) -> VerificationReport {
        var report = VerificationReport()
        let chain: KeyChain
        let provenBeside: Int
        do throws(ProofError) {
            (chain, provenBeside) = try keys.chain(
                rotation: { (number) throws(ProofError) in try rotation(number, source) })
        } catch {
            report.add(.keys(error.description))
            return report
        }
        report.keyCount = chain.terms.count
        let checkpoint: Checkpoint
        do {
            guard let note = try source.read("checkpoint", SignedNote.byteCountMax) else {
                report.add(.checkpoint("missing"))
                return report
            }
            report.signers = chain.signers(of: note)
            checkpoint = try chain.checkpoint(note)
        } catch let error as ReadFailure {
            report.add(.checkpoint(error.reason))
            return report
        } catch {
            report.add(.checkpoint("\(error)"))
            return report
        }
        report.checkpoint = checkpoint
        let older = older(olderCheckpoints, chain, checkpoint, &report)
        // What lies beside a log must be in it. What was kept elsewhere may have come later.
        for handover in chain.handovers.prefix(provenBeside) where handover.size > checkpoint.size {
            report.add(.shrunk(olderSize: handover.size, size: checkpoint.size))
        }
        report.keyCount = 1 + chain.handovers.count { $0.size <= checkpoint.size }
        report.changedSince =
            chain.handovers.dropFirst(provenBeside)
            .first { $0.size > checkpoint.size }?.size
        var walk = LogWalk(
            source: source, checkpoint: checkpoint, older: older, handovers: chain.handovers,
            report: report)
        walk.run()
        return walk.report
    }

    /// Those of the kept checkpoints that the tree is long enough for; the others are reported.
    private static func older(
        _ notes: [[UInt8]], _ chain: KeyChain, _ checkpoint: Checkpoint,
        _ report: inout VerificationReport
    ) -> [Checkpoint] {
        var older: [Checkpoint] = []
        for (number, note) in notes.enumerated() {
            do throws(CheckpointError) {
                let kept = try chain.checkpoint(note)
                if kept.size > checkpoint.size {
                    report.add(.shrunk(olderSize: kept.size, size: checkpoint.size))
                } else {
                    older.append(kept)
                }
            } catch {
                report.add(.olderCheckpoint(number: number, error.description))
            }
        }
        return older
    }

    /// The same for who knows one key alone.
    package static func verify(
        source: Source, key: VerifierKey, olderCheckpoints: [[UInt8]] = []
    ) -> VerificationReport {
        verify(source: source, keys: KnownKeys(key), olderCheckpoints: olderCheckpoints)
    }

    /// The proof of a change of the key; nil: there is none of this number.
    private static func rotation(
        _ number: Int, _ source: Source
    ) throws(ProofError) -> [UInt8]? {
        do throws(ReadFailure) {
            return try source.read("rotations/\(number)", EntryProof.byteCountMax)
        } catch {
            throw .rotation(number: number, error.reason)
        }
    }

    /// Checks a directory that `strm audit export`, or any mirror of a tlog-tiles log, wrote.
    package static func verify(
        directory: String, keys: KnownKeys, olderCheckpoints: [[UInt8]] = []
    ) -> VerificationReport {
        let files = LogDirectory(path: directory)
        let source = Source(
            read: { (path, limit) throws(ReadFailure) in
                try files.read(path, byteCountMax: limit)
            },
            list: { () throws(ReadFailure) in try files.tilePaths() })
        return verify(source: source, keys: keys, olderCheckpoints: olderCheckpoints)
    }

    /// The same for who knows one key alone.
    package static func verify(
        directory: String, key: VerifierKey, olderCheckpoints: [[UInt8]] = []
    ) -> VerificationReport {
        verify(directory: directory, keys: KnownKeys(key), olderCheckpoints: olderCheckpoints)
    }
}
