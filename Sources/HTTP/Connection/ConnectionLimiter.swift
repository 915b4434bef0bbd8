import NIOCore
import Synchronization

/// Counts open connections over all event loops, in all and by address. One lock, taken twice in
/// the life of a connection.
final class ConnectionLimiter: Sendable {
    /// An IPv4 address, or the first 64 bits of an IPv6 one: whoever has one address of a /64
    /// usually has them all.
    enum AddressKey: Hashable, Sendable {
        case ipv4(UInt32)
        case ipv6(UInt64)
        case other
    }

    private struct Counts {
        var open = 0
        var refused = 0
        var byAddress: [AddressKey: Int] = [:]
    }

    private let total: Int
    private let perAddress: Int
    private let counts = Mutex(Counts())

    init(total: Int, perAddress: Int) {
        self.total = total
        self.perAddress = perAddress
    }

    var open: Int { counts.withLock { $0.open } }
    var refused: Int { counts.withLock { $0.refused } }

    /// Takes a place, which `release` gives back; false if there is none.
    func admit(_ key: AddressKey) -> Bool {
        counts.withLock { counts in
            let same = counts.byAddress[key] ?? 0
            guard counts.open < total, key == .other || same < perAddress else {
                counts.refused += 1
                return false
            }
            counts.open += 1
            counts.byAddress[key] = same + 1
            return true
        }
    }

    func release(_ key: AddressKey) {
        counts.withLock { counts in
            counts.open -= 1
            let same = (counts.byAddress[key] ?? 1) - 1
            counts.byAddress[key] = same == 0 ? nil : same
        }
    }

    static func key(of address: SocketAddress?) -> AddressKey {
        switch address {
        case .v4(let address):
            // struct sockaddr_in: family (2), port (2), address (4, network order).
            return withUnsafeBytes(of: address.address) { socket in
                .ipv4(socket.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            }
        case .v6(let address):
            // struct sockaddr_in6: family (2), port (2), flow (4), address (16).
            return withUnsafeBytes(of: address.address) { socket in
                let bytes = UnsafeRawBufferPointer(rebasing: socket[8..<24])
                // ::ffff:a.b.c.d is the IPv4 address that it holds.
                let high = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                let middle = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
                if high == 0, middle == UInt32(bigEndian: 0xFFFF) {
                    return .ipv4(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
                }
                return .ipv6(high)
            }
        default:
            return .other
        }
    }
}
