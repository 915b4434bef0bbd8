import NIOCore
import Testing

@testable import Buckets

struct EndpointSpelling: Decodable, CustomTestStringConvertible {
    let text: String
    /// Nil: the spelling is refused.
    let host: String?
    let port: Int?
    let header: String?

    var testDescription: String { text.debugDescription }

    static let all: [EndpointSpelling] = DataFile.rows("endpoints.json")
}

@Suite("endpoints")
struct EndpointTests {
    @Test("the table of spellings is there")
    func table() {
        #expect(EndpointSpelling.all.count >= 45)
    }

    @Test("are read in one spelling alone", arguments: EndpointSpelling.all)
    func spellings(row: EndpointSpelling) throws {
        guard let host = row.host else {
            #expect(throws: BucketError.self) {
                try Endpoint(
                    parsing: row.text, pointer: "/endpoint",
                    policy: BucketPolicy(
                        allowsInsecureEndpoints: true, allowsPrivateAddresses: true))
            }
            return
        }
        let endpoint = try Endpoint(
            parsing: row.text, pointer: "/endpoint", policy: BucketPolicy())
        #expect(endpoint.isSecure && endpoint.host == host && endpoint.port == row.port)
        #expect(endpoint.hostHeader == row.header)
    }

    @Test("of http are for those whose operator allows them")
    func insecure() throws {
        let refusal = BucketError.endpointRefused("it is http, which the operator has not allowed")
        #expect(throws: refusal) {
            try Endpoint(parsing: "http://a.example", pointer: "/e", policy: BucketPolicy())
        }
        let endpoint = try Endpoint(
            parsing: "http://a.example:8080", pointer: "/e",
            policy: BucketPolicy(allowsInsecureEndpoints: true))
        #expect(!endpoint.isSecure && endpoint.origin == "http://a.example:8080")
        let standard = try Endpoint(
            parsing: "http://a.example", pointer: "/e",
            policy: BucketPolicy(allowsInsecureEndpoints: true))
        #expect(standard.port == 80 && standard.hostHeader == "a.example")
    }

    @Test("say which member is wrong")
    func pointer() {
        #expect(
            throws: BucketError.invalid(
                pointer: "/stsEndpoint",
                expected: "https://HOST or https://HOST:PORT, without a path")
        ) { try Endpoint(parsing: "x", pointer: "/stsEndpoint", policy: BucketPolicy()) }
    }

    @Test("have names below their own, addresses have not")
    func below() throws {
        let policy = BucketPolicy()
        let name = try Endpoint(parsing: "https://s3.example:9000", pointer: "/e", policy: policy)
        #expect(name.below("orders")?.hostHeader == "orders.s3.example:9000")
        #expect(name.below("a.b")?.host == "a.b.s3.example")
        #expect(name.below("a_b") == nil)
        #expect(name.below(String(repeating: "a", count: 64)) == nil)
        let address = try Endpoint(parsing: "https://8.8.8.8", pointer: "/e", policy: policy)
        #expect(address.below("orders") == nil && address.literalAddress != nil)
        #expect(name.literalAddress == nil)
    }
}

@Suite("the rule of addresses")
struct AddressRuleTests {
    static let publicOnes = [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "52.219.0.1", "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
        "203.0.114.0", "223.255.255.255", "2600:1f18::1", "2a00:1450:4001::1",
        "2001:4860:4860::8888", "2001:1::1", "2001:db7::1", "2003::1", "::ffff:8.8.8.8",
        "100:0:0:1::1", "64:ff9b:2::1",
        "fbff::1", "fe7f::1",
    ]
    static let others = [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
        "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255",
        "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.0",
        "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255",
        "240.0.0.0", "255.255.255.255",
        "::", "::1", "::2", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002::1", "2002:a9fe:a9fe::1", "2001::1", "2001:0:1:2::", "fc00::1",
        "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff00::1",
        "ff02::1", "2001:db8::1", "2001:db8:ffff::1", "100::", "100::1",
    ]

    @Test("lets the public network pass", arguments: publicOnes)
    func accepted(text: String) throws {
        #expect(AddressRule.refusal(of: try SocketAddress(ipAddress: text, port: 443)) == nil)
    }

    @Test("refuses what leads anywhere else", arguments: others)
    func refused(text: String) throws {
        #expect(AddressRule.refusal(of: try SocketAddress(ipAddress: text, port: 443)) != nil)
    }

    @Test("refuses a socket of this machine")
    func unixSocket() throws {
        #expect(AddressRule.refusal(of: try SocketAddress(unixDomainSocketPath: "/a")) != nil)
    }

    @Test("judges all addresses of a name, unless the operator allows any")
    func all() throws {
        let mixed = [
            try SocketAddress(ipAddress: "8.8.8.8", port: 1),
            try SocketAddress(ipAddress: "127.0.0.1", port: 1),
        ]
        #expect(throws: BucketError.endpointRefused("its address is this machine")) {
            try AddressRule.check(mixed, policy: BucketPolicy())
        }
        try AddressRule.check(mixed, policy: BucketPolicy(allowsPrivateAddresses: true))
    }
}
