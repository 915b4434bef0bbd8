import Foundation

/// What an answer of Google Cloud that says no means.
enum GCSFailure {
    /// Permissions that a message may name. Nothing else of a message is ever shown.
    private static let permissions = ["storage.objects.create", "storage.objects.delete"]

    /// The JSON interface's error; only its codes are used, and its message to look for the name of
    /// a permission.
    private struct Answer: Decodable {
        struct Fault: Decodable {
            struct Entry: Decodable {
                var reason: String?
            }
            var errors: [Entry]?
            var status: String?
            var message: String?
        }
        var error: Fault
    }

    /// The error of the place for tokens (RFC 6749, 5.2).
    private struct GrantAnswer: Decodable {
        var error: String
    }

    /// The error of the store's answer to a request about a bucket or an object.
    /// - Parameters:
    ///   - permission: what is missing if it is forbidden and the answer does not say what is.
    ///   - title: what it is missing for.
    static func error(
        _ reply: ExchangeReply, missing permission: String, on title: String
    ) -> BucketError {
        let code = code(reply)
        switch reply.status {
        case 401:
            return .credentialsRefused(code: code)
        case 403 where ["rateLimitExceeded", "userRateLimitExceeded"].contains(code):
            return .unavailable(status: 403, code: code)
        case 403:
            let message = fault(reply)?.message ?? ""
            let named = permissions.first { message.contains($0) }
            return .forbidden(action: "\(named ?? permission) on \(title)", code: code)
        case 404:
            return .noSuchBucket
        case 408, 429, 500...599:
            return .unavailable(status: reply.status, code: code)
        default:
            return .unexpected(status: reply.status, code: code)
        }
    }

    /// The error of an answer without a token.
    static func error(ofGrant reply: ExchangeReply) -> BucketError {
        let code = code(reply)
        switch reply.status {
        case 400, 401, 403: return .credentialsRefused(code: code)
        case 408, 429, 500...599: return .unavailable(status: reply.status, code: code)
        default: return .unexpected(status: reply.status, code: code)
        }
    }

    /// The code in an answer's body: `none` without one, `unreadable` if it is not made like one,
    /// since it is shown to people.
    static func code(_ reply: ExchangeReply) -> String {
        guard let code = givenCode(reply) else { return "none" }
        let isSound =
            (1...64).contains(code.utf8.count)
            && code.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isSound ? code : "unreadable"
    }

    private static func givenCode(_ reply: ExchangeReply) -> String? {
        if let fault = fault(reply) { return fault.errors?.first?.reason ?? fault.status }
        return try? JSONDecoder().decode(GrantAnswer.self, from: Data(reply.body)).error
    }

    /// Nil for a body that is not made like this: front ends answer with pages and plain text.
    private static func fault(_ reply: ExchangeReply) -> Answer.Fault? {
        try? JSONDecoder().decode(Answer.self, from: Data(reply.body)).error
    }
}
