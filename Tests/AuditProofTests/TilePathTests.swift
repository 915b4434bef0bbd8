import AuditProof
import Testing

@Suite("The files of a tlog-tiles log")
struct TilePathTests {
    @Test("paths are written as the specification writes them")
    func written() {
        let known: [(TilePath, String)] = [
            (TilePath(content: .hashes(level: 0), index: 0, width: 256), "tile/0/000"),
            (TilePath(content: .hashes(level: 0), index: 5, width: 112), "tile/0/005.p/112"),
            (TilePath(content: .hashes(level: 2), index: 999, width: 1), "tile/2/999.p/1"),
            (
                TilePath(content: .entries, index: 1_234_067, width: 256),
                "tile/entries/x001/x234/067"
            ),
            (TilePath(content: .entries, index: 1000, width: 9), "tile/entries/x001/000.p/9"),
        ]
        for (path, text) in known {
            #expect(path.description == text)
            #expect(TilePath(text) == path)
        }
    }

    static let refused = [
        "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000",
        "tile/00/000", "tile/+1/000", "tile/-1/000", "tile/64/000", "tile/x/000", "tile/0/x000",
        "tile/0/001/000", "tile/0/x000/001", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/+1", "tile/0/000.p/1/", "/tile/0/000",
        "tile/0/000/", "tile//000", "tile/0/../000", "tile/entries/..", "tile/0/00a",
        "tile/0/0\u{661}0",
        "tile/0/000.p/1.p/1", "tile/entries/x999/x999/x999/x999/x999/999", "../tile/0/000",
        "tile/data/000", "checkpoint", "tile/0/000?x", "tile/0/%30%30%30", "tile/0/x-01/001",
        "tile/0/000\u{0}", "tile/Entries/000", "tile/0/000.P/1",
        "tile/0/x001/x001/x001/x001/x001/x001/001",
    ]

    @Test("any other spelling is refused", arguments: refused)
    func hostile(path: String) {
        #expect(TilePath(path) == nil)
    }

    @Test("a tree of 70,000 entries has the tiles of the specification's example")
    func example() {
        var fullByLevel: [Int: Int] = [:]
        var partial: [String] = []
        var bundles = 0
        TilePath.forEach(size: 70_000) { path in
            switch path.content {
            case .entries: bundles += 1
            case .hashes(let level):
                if path.isFull { fullByLevel[level, default: 0] += 1 }
                if !path.isFull { partial.append(path.description) }
            }
        }
        #expect(bundles == 274)
        #expect(fullByLevel == [0: 273, 1: 1])
        #expect(partial == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"])
    }

    @Test("an empty tree has no files, and one of 256 a full tile and a narrow one above it")
    func smallTrees() {
        TilePath.forEach(size: 0) { Issue.record("\($0)") }
        var paths: [String] = []
        TilePath.forEach(size: 256) { paths.append($0.description) }
        #expect(paths == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
    }

    @Test("the files of the largest tree that anybody can sign are told one at a time")
    func largestTree() {
        var paths = TilePaths(size: UInt64(Int64.max))
        let first = [paths.next(), paths.next()].compactMap { $0?.description }
        #expect(first == ["tile/entries/000", "tile/entries/001"])
        // Without a walk over the others: the last of the entries and of each of eight levels.
        let partial = paths.partial
        #expect(partial.map(\.width) == [Int](repeating: 255, count: 8) + [127])
        #expect(partial.first?.content == .entries)
        #expect(partial.last?.description == "tile/7/000.p/127")
    }

    @Test(
        "the files that are not full are those that a larger tree does not have",
        arguments: [0, 1, 255, 256, 257, 70_000] as [UInt64])
    func partialFiles(size: UInt64) {
        let all = TilePaths(size: size).map { $0 }
        #expect(TilePaths(size: size).partial == all.filter { !$0.isFull })
    }

    @Test("a tile is covered only by a tree that has all its hashes")
    func coverage() throws {
        let partial = try #require(TilePath("tile/0/001.p/4"))
        #expect(!partial.isCovered(bySize: 259))
        #expect(partial.isCovered(bySize: 260))
        let upper = try #require(TilePath("tile/1/000.p/2"))
        #expect(!upper.isCovered(bySize: 511))
        #expect(upper.isCovered(bySize: 512))
        let far = try #require(TilePath("tile/63/x999/x999/999"))
        #expect(!far.isCovered(bySize: .max))
    }

    @Test("entries go into a bundle and come out, the longest and the empty one too")
    func bundleRoundTrip() {
        let entries: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 65_535), [2, 3]]
        let bundle = SampleLog.bundle(entries)
        #expect(Array(bundle.prefix(5)) == [0, 0, 0, 1, 1])
        let contents = EntryBundle.contents(of: bundle)
        #expect(contents.entries.map { Array($0) } == entries)
        #expect(!contents.isDamaged)
    }

    @Test("a bundle cut anywhere gives the entries before the cut and says that it is damaged")
    func bundleCuts() {
        let entries: [[UInt8]] = [[1, 2, 3], [4], [5, 6]]
        let bundle = SampleLog.bundle(entries)
        let whole = [0: 0, 5: 1, 8: 2, 12: 3]
        for cut in 0...bundle.count {
            let contents = EntryBundle.contents(of: Array(bundle[..<cut]))
            #expect(contents.isDamaged == (whole[cut] == nil))
            #expect(contents.entries.map { Array($0) } == Array(entries[..<contents.entries.count]))
        }
    }

    @Test("a bundle of 257 entries is damaged")
    func tooMany() {
        let contents = EntryBundle.contents(of: [UInt8](repeating: 0, count: 2 * 257))
        #expect(contents.entries.count == 256)
        #expect(contents.isDamaged)
    }
}
