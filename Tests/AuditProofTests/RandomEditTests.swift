import AuditProof
import Foundation
import Testing

/// Random edits of exported logs, and who notices them.
@Suite("A thousand random edits of a log")
struct RandomEditTests {
    static let seed =
        ProcessInfo.processInfo.environment["STRM_TEST_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 0...UInt64.max)
    static let editCount = 1_000

    /// One edited log.
    struct Edited {
        let directory: URL
        let what: String
        /// It is an older state of the log, whole and truly signed: only who kept a newer checkpoint
        /// can tell.
        let isOlderState: Bool
        /// It concerns the proofs of changes of the key, of which Go's packages know nothing.
        let isOfRotations: Bool
    }

    /// Logs of several sizes: around a tile, over several, with and without changes of the key.
    static let sizes: [(size: Int, rotations: [Int])] = [
        (41, []), (257, [100]), (400, [199, 311]), (700, []),
    ]

    @Test("ours, the Python and the Go verifier notice every one, and pass what is unaltered")
    func everyEdit() throws {
        var generator = SeededGenerator(seed: Self.seed)
        var noticed = ["ours": 0, "Python": 0, "Go": 0]
        var shown = ["ours": 0, "Python": 0, "Go": 0]
        for (place, base) in Self.sizes.enumerated() {
            let directory = try TemporaryDirectory()
            let log = try SampleLog(size: base.size, rotatingAt: base.rotations)
            let trusted = try SampleLog.signer().key
            let newest = directory.url.appendingPathComponent("newest")
            try Data(log.checkpoint()).write(to: newest)
            let whole = directory.url.appendingPathComponent("whole")
            try log.write(to: whole)
            try Self.expectIntact(whole, log, trusted, newest)
            var edits: [Edited] = []
            for number in 0..<Self.editCount / Self.sizes.count {
                let target = directory.url.appendingPathComponent("\(number)")
                edits.append(
                    try Self.edit(
                        log, base.rotations, kind: number, into: target, &generator))
            }
            for isOlderState in [false, true] {
                let some = edits.filter { $0.isOlderState == isOlderState }
                try #require(!some.isEmpty, "STRM_TEST_SEED=\(Self.seed) in \(place)")
                let kept = isOlderState ? newest : nil
                let notes = isOlderState ? [try log.checkpoint()] : []
                let python = try OtherVerifier.python.verify(
                    some.map(\.directory), key: trusted, older: kept)
                let forGo = some.filter { !$0.isOfRotations }
                let go = try OtherVerifier.go().verify(
                    forGo.map(\.directory), key: log.signer.key, older: kept)
                try #require(python.count == some.count && go.count == forGo.count)
                for (edit, verdict) in zip(some, python) {
                    let report = LogVerifier.verify(
                        directory: edit.directory.path, key: trusted, olderCheckpoints: notes)
                    #expect(!report.isIntact, "STRM_TEST_SEED=\(Self.seed): ours: \(edit.what)")
                    #expect(!verdict.intact, "STRM_TEST_SEED=\(Self.seed): Python: \(edit.what)")
                    noticed["ours", default: 0] += report.isIntact ? 0 : 1
                    noticed["Python", default: 0] += verdict.intact ? 0 : 1
                }
                for (edit, verdict) in zip(forGo, go) {
                    #expect(!verdict.intact, "STRM_TEST_SEED=\(Self.seed): Go: \(edit.what)")
                    noticed["Go", default: 0] += verdict.intact ? 0 : 1
                }
                shown["ours", default: 0] += some.count
                shown["Python", default: 0] += some.count
                shown["Go", default: 0] += forGo.count
            }
        }
        #expect(shown["ours"] == Self.editCount)
        let figures = noticed.keys.sorted().map {
            "\($0) noticed \(noticed[$0] ?? 0) of \(shown[$0] ?? 0)"
        }
        print("random edits, STRM_TEST_SEED=\(Self.seed): \(figures.joined(separator: ", "))")
    }

    /// The negative control: what nobody touched passes.
    private static func expectIntact(
        _ whole: URL, _ log: SampleLog, _ trusted: VerifierKey, _ newest: URL
    ) throws {
        let report = LogVerifier.verify(
            directory: whole.path, key: trusted, olderCheckpoints: [try log.checkpoint()])
        #expect(report.problems == [])
        #expect(report.isIntact)
        let python = try OtherVerifier.python.verify([whole], key: trusted, older: newest)
        #expect(python.map(\.problems) == [[]])
        let go = try OtherVerifier.go().verify([whole], key: log.signer.key, older: newest)
        #expect(go.map(\.problems) == [[]])
    }

    /// Writes the log with one change, and says which.
    private static func edit(
        _ original: SampleLog, _ rotations: [Int], kind: Int, into directory: URL,
        _ generator: inout SeededGenerator
    ) throws -> Edited {
        var log = original
        var isOfRotations = false
        var isOlderState = false
        var what = ""
        // Dropping the last entry and filling up again, say, changes nothing: that is no edit.
        repeat {
            log = original
            switch kind % 5 {
            case 0:
                // As it was once: whole, in order, and signed by the key of that time.
                let size = Int.random(in: 1..<log.leaves.count, using: &generator)
                let earlier = rotations.filter { $0 < size }
                log = try SampleLog(size: size, rotatingAt: earlier)
                isOlderState = true
                // Go is given one key, which may not be the one of that time.
                isOfRotations = earlier != rotations
                what = "the older state of \(size) entries"
            case 1 where !rotations.isEmpty && kind % 2 == 1:
                what = editRotations(&log, rotations.count, &generator)
                isOfRotations = true
            case 2:
                what = editFile(&log, &generator)
                isOfRotations = what.contains("rotations/")
            case 3:
                // The tiles are made anew, so that only root and signature are left to tell.
                what = try rebuild(&log, &generator)
            default:
                what = editEntries(&log, &generator)
            }
        } while log.files == original.files
        try log.write(to: directory)
        return Edited(
            directory: directory, what: what, isOlderState: isOlderState,
            isOfRotations: isOfRotations)
    }

    /// Drops, alters, swaps or doubles entries of one bundle; the rest stays as it is.
    private static func editEntries(
        _ log: inout SampleLog, _ generator: inout SeededGenerator
    ) -> String {
        let bundles = log.files.keys.filter { $0.hasPrefix("tile/entries/") }.sorted()
        let bundle = bundles[Int.random(in: 0..<bundles.count, using: &generator)]
        var entries = log.entries(bundle)
        let place = Int.random(in: 0..<entries.count, using: &generator)
        let what = change(&entries, at: place, &generator)
        log.files[bundle] = SampleLog.bundle(entries)
        return "\(what) in \(bundle)"
    }

    /// The same in the whole log, with all tiles made to fit, under the checkpoint that was signed.
    private static func rebuild(
        _ log: inout SampleLog, _ generator: inout SeededGenerator
    ) throws -> String {
        var leaves = log.leaves
        let what = change(
            &leaves, at: Int.random(in: 0..<leaves.count, using: &generator), &generator)
        // As many as before, so that every file is where it must be.
        while leaves.count < log.leaves.count { leaves.append(SampleLog.leaf(leaves.count)) }
        var forged = try SampleLog(leaves: Array(leaves.prefix(log.leaves.count)))
        for (path, bytes) in log.files where !path.hasPrefix("tile/") { forged.files[path] = bytes }
        log = forged
        return "\(what), and all hashes made to fit"
    }

    private static func change(
        _ entries: inout [[UInt8]], at place: Int, _ generator: inout SeededGenerator
    ) -> String {
        let other = Int.random(in: 0..<entries.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            entries.remove(at: place)
            return "entry \(place) dropped"
        case 1 where other != place:
            entries.swapAt(place, other)
            return "entries \(place) and \(other) swapped"
        case 2:
            entries.insert(entries[place], at: other)
            return "entry \(place) doubled at \(other)"
        default:
            let byte = Int.random(in: 0..<entries[place].count, using: &generator)
            entries[place][byte] ^= UInt8.random(in: 1...255, using: &generator)
            return "byte \(byte) of entry \(place) altered"
        }
    }

    private static func editFile(
        _ log: inout SampleLog, _ generator: inout SeededGenerator
    ) -> String {
        let paths = log.files.keys.sorted()
        let path = paths[Int.random(in: 0..<paths.count, using: &generator)]
        let bytes = log.files[path] ?? []
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            log.files[path] = Array(bytes[..<Int.random(in: 0..<bytes.count, using: &generator)])
            return "\(path) cut short"
        case 1:
            log.files[path] = nil
            return "\(path) removed"
        case 2:
            log.files[path]? += [UInt8](repeating: 0, count: 32)
            return "\(path) made longer"
        default:
            let bit = UInt8(1) << UInt8.random(in: 0...7, using: &generator)
            // Go's base64 does not look at the bits that the last character has too many, so that a
            // signature with another one there is the same to it.
            var places = Array(bytes.indices)
            places.removeAll { bytes.dropFirst($0 + 1).first == UInt8(ascii: "=") }
            log.files[path]?[places.randomElement(using: &generator) ?? 0] ^= bit
            return "a bit of \(path) flipped"
        }
    }

    /// Somebody signs the change of the key who must not, or leaves one out.
    private static func editRotations(
        _ log: inout SampleLog, _ count: Int, _ generator: inout SeededGenerator
    ) -> String {
        let number = Int.random(in: 1...count, using: &generator)
        switch Int.random(in: 0..<2, using: &generator) {
        case 0:
            for gone in number...count { log.files["rotations/\(gone)"] = nil }
            return "rotations/ from \(number) on left out"
        default:
            let other = Int.random(in: 1...count, using: &generator)
            let lines = String(
                decoding: log.files["rotations/\(number)"] ?? [], as: UTF8.self
            ).split(separator: "\n", omittingEmptySubsequences: false)
            // The second-last line is one of the two signatures.
            let without = lines.dropLast(2) + [""]
            log.files["rotations/\(number)"] = Array(without.joined(separator: "\n").utf8)
            return "rotations/\(number) without the new key's signature (\(other))"
        }
    }
}
