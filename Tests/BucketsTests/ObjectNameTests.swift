import Testing

@testable import Buckets

@Suite("names of objects")
struct ObjectNameTests {
    static let names = [
        "a", "A", "0", "a/b", "a/b/c", "a.b", "a.jsonl", "a.jsonl.gz", "a-", "a_", "a!", "a'",
        "a(b)",
        "a*", "a=b", "team/orders", "team/2026/11/25/orders-20261125T060100Z-p0-000-999.jsonl.zst",
        "a/.b", "a/-b", "a/_b", "a/!", "a/*", "a/(", "a/=", "dt=2026-11-25/hour=06", "a.", "a./b",
        "a/b.c.d", "strm-probe-0123456789abcdef", "9/9/9", "a/'", "Z9", "a.b-c_d!e*f'g(h)i=j",
    ]
    static let noNames = [
        "", "/", "//", "a/", "/a", "a//b", "a///b", ".", "..", "a/.", "a/..", "a/./b", "a/../b",
        "../a", "./a", ".a", "..a", "a..", "a..b", "a/..b", "a/b..", "a/b..c", "...", "-a", "_a",
        "!a",
        "*", "(", "=a", "'a", "a b", " a", "a ", "a\tb", "a\nb", "a\r", "a\0", "a\u{7F}",
        "a\u{1B}[0m",
        "a%2fb", "a%2e%2e", "%61", "a\\b", "a:b", "a?b", "a#b", "a&b", "a+b", "a,b", "a;b", "a@b",
        "a$b", "a|b", "a<b", "a>b", "a\"b", "a`b", "a{b}", "a[b]", "a^b", "a~b", "é", "a/é",
        "a\u{301}",
        "a\u{200B}b", "ａ", "日本",
    ]

    @Test("are segments of safe characters between single slashes")
    func accepted() {
        for text in Self.names {
            #expect(ObjectName(text)?.text == text)
            #expect(ObjectName.isPathPrefix(text), "\(text)")
        }
    }

    @Test("are nothing that a store, a shell or a file system could take apart")
    func refused() {
        for text in Self.noNames {
            #expect(ObjectName(text) == nil, "\(text.debugDescription)")
            #expect(!ObjectName.isPathPrefix(text), "\(text.debugDescription)")
        }
    }

    @Test("have at most 900 bytes, prefixes at most 512")
    func lengths() {
        #expect(ObjectName(String(repeating: "a", count: 900)) != nil)
        #expect(ObjectName(String(repeating: "a", count: 901)) == nil)
        #expect(ObjectName.isPathPrefix(String(repeating: "a", count: 512)))
        #expect(!ObjectName.isPathPrefix(String(repeating: "a", count: 513)))
    }

    @Test("keep only unreserved characters and slashes in a URL")
    func encoding() {
        #expect(
            ObjectName("a-b_c.d/e!f*g'h(i)j=k")?.percentEncoded
                == "a-b_c.d/e%21f%2Ag%27h%28i%29j%3Dk")
        #expect(URIText.encoded("a/b ~é+\0") == "a%2Fb%20~%C3%A9%2B%00")
        #expect(URIText.decoded("a%2Fb%20~%c3%A9%2B%0%") == Array("a/b ~é+%0%".utf8))
    }
}
