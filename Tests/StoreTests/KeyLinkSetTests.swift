import Testing

@testable import Store

@Suite("A set of key links")
struct KeyLinkSetTests {
    @Test("holds what was put in, and nothing else", arguments: [0, 1, 2, 3, 100, 5_000])
    func membership(count: Int) {
        let links = (0..<count).map { _ in KeyLink.random() }
        let set = KeyLinkSet(links + links)
        #expect(set.links == links.sorted())
        #expect(links.allSatisfy(set.contains))
        #expect((0..<10_000).allSatisfy { _ in !set.contains(.random()) })
        #expect(set.isEmpty == (count == 0))
    }

    @Test("links that begin in the same place are all found")
    func collisions() {
        let links = (0..<64).map { KeyLink(high: 0x4000, low: UInt64($0)) }
        let set = KeyLinkSet(links)
        #expect(links.allSatisfy(set.contains))
        #expect(!set.contains(KeyLink(high: 0x4000, low: 64)))
    }
}
