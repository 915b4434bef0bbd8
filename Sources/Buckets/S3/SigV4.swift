import Crypto

/// AWS Signature Version 4 in the Authorization header. A value without a clock: the time is an
/// argument, so the published examples can be signed as they were.
///
///     canonical request   METHOD \n path \n query \n header:value\n… \n names;of;headers \n hash
///     string to sign      AWS4-HMAC-SHA256 \n time \n DATE/REGION/SERVICE/aws4_request \n hash
///     key                 HMAC chain from the secret over DATE, REGION, SERVICE, aws4_request
struct SigV4: Sendable {
    let keys: AccessKeys
    let region: String
    /// `s3`, `sts`.
    let service: String
    /// S3 takes the path as it was sent. Other services remove dot segments and empty ones, and
    /// encode once more what is encoded.
    let normalisesPath: Bool

    init(keys: AccessKeys, region: String, service: String, normalisesPath: Bool? = nil) {
        self.keys = keys
        self.region = region
        self.service = service
        self.normalisesPath = normalisesPath ?? (service != "s3")
    }

    /// The request with the headers that prove who sends it: `x-amz-date`, `authorization`, for S3
    /// `x-amz-content-sha256`, and the session token if there is one. Every header is signed.
    /// - Parameters:
    ///   - host: as the Host header will have it.
    ///   - milliseconds: since 1970.
    func signed(
        _ request: ExchangeRequest, host: String, at milliseconds: Int64
    ) -> ExchangeRequest {
        let time = AmazonTime(milliseconds: milliseconds)
        let bodyHash = Self.hexadecimal(SHA256.hash(data: request.body))
        var result = request
        result.headers.append(("x-amz-date", time.text))
        if service == "s3" { result.headers.append(("x-amz-content-sha256", bodyHash)) }
        if let token = keys.sessionToken {
            result.headers.append(("x-amz-security-token", token))
        }
        let canonical = canonicalRequest(result, host: host, bodyHash: bodyHash)
        let text = stringToSign(canonical.text, time)
        result.headers.append(
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(keys.id)/\(scope(time)), "
                    + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature(text, time))"
            ))
        return result
    }

    func canonicalRequest(
        _ request: ExchangeRequest, host: String, bodyHash: String
    ) -> (text: String, signedHeaders: String) {
        let parts = request.target.split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first.map { canonicalPath($0) } ?? "/"
        let query = parts.count > 1 ? Self.canonicalQuery(parts[1]) : ""
        var values = ["host": [host]]
        for (name, value) in request.headers {
            values[name.lowercased(), default: []].append(Self.trimmed(value))
        }
        let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let headers = names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))\n" }.joined()
        let signedHeaders = names.joined(separator: ";")
        let text =
            "\(request.method)\n\(path)\n\(query)\n\(headers)\n\(signedHeaders)\n\(bodyHash)"
        return (text, signedHeaders)
    }

    func stringToSign(_ canonicalRequest: String, _ time: AmazonTime) -> String {
        let hash = Self.hexadecimal(SHA256.hash(data: Array(canonicalRequest.utf8)))
        return "AWS4-HMAC-SHA256\n\(time.text)\n\(scope(time))\n\(hash)"
    }

    func signature(_ stringToSign: String, _ time: AmazonTime) -> String {
        var key = Array("AWS4\(keys.secret)".utf8)
        for part in [time.date, region, service, "aws4_request", stringToSign] {
            let code = HMAC<SHA256>.authenticationCode(
                for: Array(part.utf8), using: SymmetricKey(data: key))
            key = Array(code)
        }
        return Self.hexadecimal(key)
    }

    private func scope(_ time: AmazonTime) -> String {
        "\(time.date)/\(region)/\(service)/aws4_request"
    }

    private func canonicalPath(_ path: Substring) -> String {
        guard normalisesPath else { return path.isEmpty ? "/" : String(path) }
        var segments: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment != ".." {
                segments.append(segment)
            } else if !segments.isEmpty {
                segments.removeLast()
            }
        }
        let isFolder = path.hasSuffix("/") && !segments.isEmpty
        let text = "/" + segments.joined(separator: "/") + (isFolder ? "/" : "")
        return URIText.encoded(text, keepsSlashes: true)
    }

    /// Sorted by encoded name, then by encoded value; a name alone has an empty value.
    private static func canonicalQuery(_ query: Substring) -> String {
        let pairs = query.split(separator: "&").map { pair -> (name: String, value: String) in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { part in
                    URIText.encoded(String(decoding: URIText.decoded(part), as: UTF8.self))
                }
            return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        }
        return pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Without spaces at its ends, and with single ones inside.
    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// An access key and its secret, and the token that goes with temporary ones.
struct AccessKeys: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    let id: String
    let secret: String
    let sessionToken: String?

    var description: String { "access keys" }
    var debugDescription: String { "access keys" }
}

/// A time as signatures have it.
struct AmazonTime: Sendable, Equatable {
    /// `20150830`
    let date: String
    /// `20150830T123600Z`
    let text: String

    /// - Parameter milliseconds: since 1970.
    init(milliseconds: Int64) {
        let seconds = milliseconds / 1_000
        let days = seconds / 86_400
        let time = seconds % 86_400
        // Days since 1 March of year 0 make leap days fall at the end of a year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        date = Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2)
        text =
            "\(date)T" + Self.padded(time / 3_600, 2) + Self.padded(time / 60 % 60, 2)
            + Self.padded(time % 60, 2) + "Z"
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
