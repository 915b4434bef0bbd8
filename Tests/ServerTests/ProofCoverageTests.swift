import Testing

@testable import Server

@Suite("What a proof must have driven")
struct ProofCoverageTests {
    private func doubts(
        _ driven: Set<String>, leftOut: [String: String] = [:], failed: Set<String> = []
    ) -> [String] {
        ProofCoverage.doubts(
            expected: ["a", "b", "c"], driven: driven, leftOut: leftOut, failed: failed)
    }

    @Test("all that was expected, or more, is no doubt")
    func whole() {
        #expect(doubts(["a", "b", "c"]).isEmpty)
        #expect(doubts(["a", "b", "c", "d"]).isEmpty)
    }

    @Test("a path that is left out is a doubt with its reason, also one that was driven before")
    func leftOut() {
        #expect(doubts(["a", "b"], leftOut: ["c": "no"]) == ["c was left out: no"])
        #expect(doubts(["a", "b", "c"], leftOut: ["c": "no"]) == ["c was left out: no"])
        #expect(doubts(["a", "b", "c"], leftOut: ["d": "no"]) == ["d was left out: no"])
    }

    @Test("a path that nobody mentions is a doubt; one that failed is told elsewhere")
    func silent() {
        #expect(doubts(["a"]) == ["b was not driven", "c was not driven"])
        #expect(doubts(["a"], failed: ["b"]) == ["c was not driven"])
        #expect(ProofCoverage.scratch.count > 60)
    }
}
