/// The address of a page of a server, taken apart: `https://oauth2.googleapis.com/token`.
struct PageAddress: Sendable, Equatable {
    static let bytesMax = 4_096

    let endpoint: Endpoint
    /// Path and query as they are sent; begins with a slash.
    let target: String

    /// Reads an address with a path.
    /// - Throws: `invalid`, as given, for what is none; `endpointRefused` for what the policy does
    ///   not allow.
    init(
        parsing text: String, policy: BucketPolicy, orThrow invalid: BucketError
    ) throws(BucketError) {
        guard text.utf8.count <= Self.bytesMax, let schemeEnd = text.firstRange(of: "://"),
            let slash = text[schemeEnd.upperBound...].firstIndex(of: "/"),
            text[slash...].utf8.allSatisfy(Self.isOfTarget)
        else { throw invalid }
        do throws(BucketError) {
            endpoint = try Endpoint(parsing: String(text[..<slash]), pointer: "", policy: policy)
        } catch {
            // What an endpoint alone should look like is no help to whoever gave an address.
            if case .invalid = error { throw invalid }
            throw error
        }
        target = String(text[slash...])
    }

    /// Of the characters of RFC 3986 those that stand in a path or a query.
    private static func isOfTarget(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "/?-._~%!$&'()*+,;=:@".utf8.contains(byte)
        }
    }
}
