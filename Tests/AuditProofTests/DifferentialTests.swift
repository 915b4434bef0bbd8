import AuditProof
import Foundation
import Testing

@Suite("Two verifiers that know nothing of one another")
struct DifferentialTests {
    @Test("both find unaltered logs intact", arguments: [[0, 1, 2, 3, 255, 256, 257, 513, 1000]])
    func intact(sizes: [Int]) throws {
        let directory = try TemporaryDirectory()
        var urls: [URL] = []
        for size in sizes {
            let url = directory.url.appendingPathComponent("\(size)")
            let log = try SampleLog(size: size)
            try log.write(to: url)
            urls.append(url)
            #expect(LogVerifier.verify(directory: url.path, key: log.signer.key).isIntact)
        }
        let verdicts = try OtherVerifier.python.verify(urls, key: try SampleLog.signer().key)
        #expect(verdicts.count == sizes.count)
        #expect(verdicts.filter { !$0.intact }.map(\.problems) == [])
    }

    @Test("both name a link to a folder, behind which more files may lie, and look behind `tile`")
    func linkedFolders() throws {
        let directory = try TemporaryDirectory()
        let url = directory.url.appendingPathComponent("log")
        let log = try SampleLog(size: 300)
        try log.write(to: url)
        let elsewhere = directory.url.appendingPathComponent("elsewhere")
        try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: false)
        let link = url.appendingPathComponent("tile/0/more")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: elsewhere)
        try expectUncovered("tile/0/more", in: url, log)
        try FileManager.default.removeItem(at: link)

        let tile = url.appendingPathComponent("tile")
        let moved = elsewhere.appendingPathComponent("moved")
        try FileManager.default.moveItem(at: tile, to: moved)
        try FileManager.default.createSymbolicLink(at: tile, withDestinationURL: moved)
        try Data([1]).write(to: moved.appendingPathComponent("0/hidden"))
        try expectUncovered("tile/0/hidden", in: url, log)
    }

    private func expectUncovered(_ path: String, in url: URL, _ log: SampleLog) throws {
        let report = LogVerifier.verify(directory: url.path, key: log.signer.key)
        #expect(report.problems == [.uncoveredFile(path)])
        let verdicts = try OtherVerifier.python.verify([url], key: log.signer.key)
        #expect(verdicts.map(\.problems) == [["'\(path)': not part of the signed log"]])
    }

    @Test("both refuse a time whose digits are those of another script")
    func otherDigits() throws {
        let directory = try TemporaryDirectory()
        let text = String(decoding: SampleLog.leaf(0), as: UTF8.self)
            .replacing("\"at\":\"2", with: "\"at\":\"\\u0662")
        let log = try SampleLog(leaves: [Array(text.utf8)])
        try log.write(to: directory.url)
        let report = LogVerifier.verify(directory: directory.url.path, key: log.signer.key)
        #expect(report.problems == [.entryNumber(index: 0, found: nil)])
        let verdicts = try OtherVerifier.python.verify([directory.url], key: log.signer.key)
        #expect(
            verdicts.map(\.problems) == [["entry 0: does not begin like an audit entry"]])
    }

    /// What whoever holds the key could sign, and readers could take for different things. Each is
    /// put in the place of the first entry's brace or member.
    private static let ambiguous = [
        (#","act":"release","act":"auditKeyRotated"}"#, "a name twice"),
        (#","act":"release","detail":{"a":"b","a":"c"}}"#, "a name twice, deeper"),
        (#","act":"release","at":"2020-01-01T00:00:00.000Z"}"#, "another time"),
        (#","client":"x","act":"release"}"#, "the act in another place"),
        (#", "act":"release"}"#, "white space"), (#","act":"release","x":NaN}"#, "NaN"),
        (#","act":"release","x":1.5}"#, "a fraction"), (#","act":"release","x":01}"#, "01"),
        (#","act":"release"}}"#, "a brace too many"), (#","act":"release","x":[1,]}"#, "a comma"),
        (#","act":"release","x":"\q"}"#, "an escape that there is none"),
        (",\"act\":\"release\",\"x\":\"\u{7}\"}", "a control character"),
        (",\"act\":\"release\",\"x\":\"\u{E9}\"}", "what is not ASCII"), (#","act":7}"#, "no act"),
        (#","act":"release","x": 1}"#, "white space after a colon"),
        (#","act":"release","\u0078":1}"#, "a name with an escape"),
        (#","act":"release","x":123456789012345678901}"#, "a number of 21 digits"),
        (#","act":"release","x":[[[[[[[[1]]]]]]]]}"#, "an object in which lists are too deep"),
    ]

    @Test("both refuse an entry that could be read in two ways", arguments: ambiguous)
    func twoWays(rest: String, what: String) throws {
        let directory = try TemporaryDirectory()
        let text = String(decoding: SampleLog.leaf(0), as: UTF8.self)
        let header = try #require(LeafHeader(Array(text.utf8)))
        let log = try SampleLog(leaves: [Array(text.utf8.prefix(header.byteCount)) + rest.utf8])
        try log.write(to: directory.url)
        let report = LogVerifier.verify(directory: directory.url.path, key: log.signer.key)
        #expect(report.problems == [.entryShape(index: 0)], "\(what)")
        let verdicts = try OtherVerifier.python.verify([directory.url], key: log.signer.key)
        #expect(verdicts.map { $0.problems.count } == [1], "\(what): \(verdicts)")
        // The control: the same with what an entry of ours holds.
        let good = try SampleLog(leaves: [
            Array(text.utf8.prefix(header.byteCount))
                + #","act":"release","x":[1,-2,0,"\u00e9\"",true,null],"detail":{"a":{}}}"#.utf8
        ])
        let other = try TemporaryDirectory()
        try good.write(to: other.url)
        #expect(LogVerifier.verify(directory: other.url.path, key: good.signer.key).isIntact)
        #expect(
            try OtherVerifier.python.verify([other.url], key: good.signer.key).map(\.problems)
                == [[]])
    }

    @Test("neither reads a proof of a change of the key behind one that does not fit")
    func oneByOne() throws {
        let directory = try TemporaryDirectory()
        var log = try SampleLog(size: 60, rotatingAt: [10, 40])
        log.files["rotations/1"] = log.files["rotations/2"]
        log.files["rotations/2"] = nil
        try log.write(to: directory.url)
        // Whoever reads it says that it is no file.
        try FileManager.default.createDirectory(
            at: directory.url.appendingPathComponent("rotations/2"),
            withIntermediateDirectories: false)
        let report = LogVerifier.verify(directory: directory.url.path, key: log.signer.key)
        #expect(report.problems.map(\.description).allSatisfy { $0.contains("rotation 1") })
        #expect(report.problems.count == 1)
        let verdicts = try OtherVerifier.python.verify([directory.url], key: log.signer.key)
        #expect(
            verdicts.map(\.problems) == [
                ["checkpoint: rotation 1 of the key: it has another number"]
            ])
    }
}
