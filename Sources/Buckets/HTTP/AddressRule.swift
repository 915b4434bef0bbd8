import NIOCore

/// Which addresses are of the public network. An administrator of connectors may name any host; by
/// this rule none of them leads into the machine's own network, to its metadata service or to
/// itself.
enum AddressRule {
    /// Why the address may not be used; nil if it is a public one.
    static func refusal(of address: SocketAddress) -> String? {
        // Where the address stands in `sockaddr_in` and `sockaddr_in6` (<netinet/in.h>).
        switch address {
        case .v4(let address):
            return withUnsafeBytes(of: address.address) { refusal(ofIPv4: Array($0[4..<8])) }
        case .v6(let address):
            return withUnsafeBytes(of: address.address) { refusal(ofIPv6: Array($0[8..<24])) }
        case .unixDomainSocket:
            return "it is not an address of the internet"
        }
    }

    /// - Throws: `endpointRefused` if one of the addresses may not be used: whoever answers for the
    ///   name could hand out another one the next time.
    static func check(
        _ addresses: [SocketAddress], policy: BucketPolicy
    ) throws(BucketError) {
        if policy.allowsPrivateAddresses { return }
        for address in addresses {
            if let reason = refusal(of: address) { throw .endpointRefused(reason) }
        }
    }

    /// A block of addresses: those that have the first `bits` bits of `prefix`.
    private struct Block: Sendable {
        let prefix: [UInt8]
        let bits: Int
        let reason: String

        init(_ prefix: [UInt8], _ bits: Int, _ reason: String) {
            self.prefix = prefix
            self.bits = bits
            self.reason = reason
        }

        func contains(_ address: [UInt8]) -> Bool {
            for bit in 0..<bits {
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                let wanted = bit / 8 < prefix.count ? prefix[bit / 8] : 0
                if (address[bit / 8] ^ wanted) & mask != 0 { return false }
            }
            return true
        }
    }

    private static let ipv4Blocks = [
        Block([0], 8, "its address names no host"),
        Block([10], 8, "its address is private"),
        Block([100, 64], 10, "its address is shared by a provider's customers"),
        Block([127], 8, "its address is this machine"),
        Block([169, 254], 16, "its address is link-local"),
        Block([172, 16], 12, "its address is private"),
        Block([192, 0, 0], 24, "its address is reserved"),
        Block([192, 0, 2], 24, "its address is for documentation"),
        Block([192, 168], 16, "its address is private"),
        Block([198, 18], 15, "its address is for benchmarks"),
        Block([198, 51, 100], 24, "its address is for documentation"),
        Block([203, 0, 113], 24, "its address is for documentation"),
        Block([224], 4, "its address is multicast"),
        Block([240], 4, "its address is reserved"),
    ]

    /// Behind translated and tunnelled addresses is an IPv4 address that somebody else chooses.
    private static let ipv6Blocks = [
        Block([], 96, "its address has an old form"),
        Block([0, 0x64, 0xFF, 0x9B], 96, "its address is translated"),
        Block([0, 0x64, 0xFF, 0x9B, 0, 1], 48, "its address is translated"),
        Block([0x01], 64, "its address leads nowhere"),
        Block([0x20, 0x01, 0, 0], 32, "its address is tunnelled"),
        Block([0x20, 0x01, 0x0D, 0xB8], 32, "its address is for documentation"),
        Block([0x20, 0x02], 16, "its address is tunnelled"),
        Block([0xFC], 7, "its address is private"),
        Block([0xFE, 0x80], 10, "its address is link-local"),
        Block([0xFE, 0xC0], 10, "its address is private"),
        Block([0xFF], 8, "its address is multicast"),
    ]

    private static func refusal(ofIPv4 bytes: [UInt8]) -> String? {
        ipv4Blocks.first { $0.contains(bytes) }?.reason
    }

    private static func refusal(ofIPv6 bytes: [UInt8]) -> String? {
        let leading = bytes.prefix(10).allSatisfy { $0 == 0 }
        if leading, bytes[10] == 0xFF, bytes[11] == 0xFF {
            return refusal(ofIPv4: Array(bytes[12...]))
        }
        if bytes.dropLast().allSatisfy({ $0 == 0 }) {
            if bytes[15] == 0 { return "its address names no host" }
            if bytes[15] == 1 { return "its address is this machine" }
        }
        return ipv6Blocks.first { $0.contains(bytes) }?.reason
    }
}
