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
