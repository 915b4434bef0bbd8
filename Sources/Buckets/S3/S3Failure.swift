/// What an answer that says no means.
enum S3Failure {
    /// The error of an answer: from its status, and from the code in its body or, for answers
    /// without a body, from nothing else.
    /// - Parameter permission: what is missing if it is forbidden.
    static func error(_ reply: ExchangeReply, missing permission: String) -> BucketError {
        let answer = S3Answer(reply.body)
        let code = code(answer)
        switch code {
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
            "TokenRefreshRequired", "InvalidClientTokenId", "ExpiredTokenException",
            "UnrecognizedClientException", "InvalidSecurity", "AuthenticationRequired":
            return .credentialsRefused(code: code)
        case "NoSuchBucket":
            return .noSuchBucket
        case "SlowDown", "ServiceUnavailable", "InternalError", "Throttling", "RequestTimeout":
            return .unavailable(status: reply.status, code: code)
        case "RequestTimeTooSkewed":
            return .unexpected(status: reply.status, code: code)
        case "AuthorizationHeaderMalformed", "PermanentRedirect":
            if let region = reply.header("x-amz-bucket-region") ?? answer?.text("Region"),
                S3Rules.isRegion(region)
            {
                return .invalid(pointer: "/region", expected: "the bucket's region, \(region)")
            }
            return .unexpected(status: reply.status, code: code)
        default:
            return error(status: reply.status, code: code, missing: permission)
        }
    }

    /// The code in an answer's body.
    static func code(_ reply: ExchangeReply) -> String {
        code(S3Answer(reply.body))
    }

    /// `none` without one, `unreadable` if it is not made like one: it is shown to people.
    private static func code(_ answer: S3Answer?) -> String {
        guard let answer else { return "none" }
        // STS has one element more around it.
        guard let code = answer.text("Code") ?? answer.text("Error/Code") else { return "none" }
        let isSound =
            (1...64).contains(code.utf8.count)
            && code.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: false
                }
            }
        return isSound ? code : "unreadable"
    }

    private static func error(
        status: Int, code: String, missing permission: String
    ) -> BucketError {
        switch status {
        case 401: .credentialsRefused(code: code)
        case 403: .forbidden(action: permission, code: code)
        case 408, 429, 500...599: .unavailable(status: status, code: code)
        default: .unexpected(status: status, code: code)
        }
    }
}
