import Foundation
import NIOCore
import NIOPosix

/// Turns names into addresses, where a test can put another one in its place.
struct NameResolver: Sendable {
    /// All addresses of a name, the best one first; never none.
    let addresses:
        @Sendable (_ host: String, _ port: Int) async throws(BucketError) -> [SocketAddress]

    /// The one address to connect to. Asks a single time: the address that was checked is the one
    /// that is used, whatever the name's owner says a moment later.
    /// - Throws: `endpointRefused` if any of the addresses may not be used.
    func pinnedAddress(
        of endpoint: Endpoint, policy: BucketPolicy
    ) async throws(BucketError) -> SocketAddress {
        let found: [SocketAddress]
        if let literal = endpoint.literalAddress {
            found = [literal]
        } else {
            found = try await addresses(endpoint.host, endpoint.port)
        }
        if Task.isCancelled { throw .cancelled }
        try AddressRule.check(found, policy: policy)
        guard let first = found.first else { throw .unreachable("its name has no address") }
        return first
    }

    /// The system's resolver. It blocks, up to half a minute, so it runs on threads that are there
    /// to be blocked.
    static let system = NameResolver { host, port throws(BucketError) in
        let found: [SocketAddress]
        do {
            found = try await NIOThreadPool.singleton.runIfActive { lookUp(host, port) }
        } catch {
            throw .cancelled
        }
        guard !found.isEmpty else { throw .unreachable("its name has no address") }
        return found
    }

    private static func lookUp(_ host: String, _ port: Int) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        return sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }
            .compactMap { entry in
                guard let entry, let address = entry.pointee.ai_addr else { return nil }
                return socketAddress(address, entry.pointee.ai_family)
            }
    }

    private static func socketAddress(
        _ address: UnsafeMutablePointer<sockaddr>, _ family: Int32
    ) -> SocketAddress? {
        let raw = UnsafeRawPointer(address)
        switch family {
        case AF_INET: return SocketAddress(raw.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }
}
