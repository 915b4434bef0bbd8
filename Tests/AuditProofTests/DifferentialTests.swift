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
}
