import Testing

@testable import Buckets

@Suite("answers of S3")
struct S3AnswerTests {
    @Test("are read as elements and their text")
    func reading() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <a xmlns="http://s3.amazonaws.com/doc/2006-03-01/" b='>'>
              <c>x &lt;&amp;&gt; &quot;y&quot; &apos;&#65;&#x42;</c>
              <d><e/><e >2</e ></d>
              <f></f>
            </a>
            """
        let answer = try #require(S3Answer(Array(text.utf8)))
        #expect(answer.root == "a")
        #expect(
            answer.leaves == [
                .init(path: "c", text: "x <&> \"y\" 'AB", parent: 1),
                .init(path: "d/e", text: "", parent: 3), .init(path: "d/e", text: "2", parent: 3),
                .init(path: "f", text: "", parent: 1),
            ])
        #expect(answer.text("d/e")?.isEmpty == true && answer.text("x") == nil)
    }

    @Test("pair what belongs together, in whichever order it stands")
    func pairs() throws {
        let text =
            "<r><u><k>1</k><i>a</i></u><u><i>b</i><k>2</k></u><u><k>3</k></u><u><i>d</i></u></r>"
        let answer = try #require(S3Answer(Array(text.utf8)))
        #expect(
            answer.pairs("u/k", "u/i").map { [$0.first, $0.second] } == [["1", "a"], ["2", "b"]])
    }

    @Test(
        "are refused if they are anything else",
        arguments: [
            "", " ", "x", "<a>", "</a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a/>x", "x<a/>",
            "<a>x<b/></a>", "<a><b/>x</a>", "<a>&x;</a>", "<a>&amp</a>", "<a>&#xD800;</a>",
            "<a>&#;</a>",
            "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!-- c --></a>",
            "<a><![CDATA[x]]></a>", "<a><?p?></a>", "<>", "< a/>", "<1/>", "<a", "<a b='>",
            "<a <b/>",
            "<html><body><p>502<br></body></html>", "{\"error\": 1}", "<a>\u{FFFD}</a",
        ])
    func refused(text: String) {
        #expect(S3Answer(Array(text.utf8)) == nil)
    }

    @Test("are limited in depth, and are UTF-8")
    func limits() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth))
                    .utf8)
        }
        #expect(S3Answer(nested(16)) != nil)
        #expect(S3Answer(nested(17)) == nil)
        #expect(S3Answer([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]) == nil)
        #expect(S3Answer([UInt8](repeating: 0x20, count: HTTPExchange.bodyBytesMax + 1)) == nil)
    }

    static let credentialCodes = [
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
        "TokenRefreshRequired", "InvalidClientTokenId",
    ]

    @Test("that refuse credentials", arguments: credentialCodes)
    func credentials(code: String) {
        #expect(
            S3Failure.error(FakeS3.error(403, code), missing: "x")
                == .credentialsRefused(code: code))
    }

    @Test("that mean other things")
    func meanings() {
        func error(_ status: Int, _ code: String) -> BucketError {
            S3Failure.error(FakeS3.error(status, code), missing: "s3:PutObject on x")
        }
        #expect(
            error(403, "AccessDenied")
                == .forbidden(action: "s3:PutObject on x", code: "AccessDenied"))
        #expect(error(404, "NoSuchBucket") == .noSuchBucket)
        #expect(error(503, "SlowDown") == .unavailable(status: 503, code: "SlowDown"))
        #expect(error(500, "Other") == .unavailable(status: 500, code: "Other"))
        #expect(error(429, "TooMany") == .unavailable(status: 429, code: "TooMany"))
        #expect(
            error(403, "RequestTimeTooSkewed")
                == .unexpected(status: 403, code: "RequestTimeTooSkewed"))
        #expect(error(412, "PreconditionFailed").description.contains("412 PreconditionFailed"))
        #expect(error(400, "a b").description.contains("unreadable"))
        #expect(error(400, String(repeating: "a", count: 65)).description.contains("unreadable"))
        #expect(
            S3Failure.error(ExchangeReply(status: 403), missing: "x")
                == .forbidden(action: "x", code: "none"))
    }

    @Test("that name another region")
    func region() {
        let body =
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
        #expect(
            S3Failure.error(ExchangeReply(status: 400, body: Array(body.utf8)), missing: "x")
                == .invalid(pointer: "/region", expected: "the bucket's region, eu-west-1"))
    }

    @Test("leave nothing of a message in an error")
    func silence() {
        for status in [200, 400, 403, 404, 500] {
            let error = S3Failure.error(FakeS3.error(status, "Some"), missing: "x")
            #expect(!"\(error) \(String(reflecting: error))".contains("SMCANARY"))
        }
    }
}
