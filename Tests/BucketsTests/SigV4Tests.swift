import Foundation
import Testing

@testable import Buckets

/// What Amazon publishes as examples: requests and their signatures.
struct SignatureVector: Decodable, CustomTestStringConvertible {
    let name: String
    let service: String
    let host: String
    let milliseconds: Int64
    let accessKeyId: String
    let secret: String
    let sessionToken: String?
    let normalisesPath: Bool
    let method: String
    let target: String
    let headers: [[String]]
    let body: String
    let signedHeaders: String
    let signature: String

    var testDescription: String { name }

    static let all: [SignatureVector] = DataFile.rows("sigv4.json")
}

@Suite("signatures of version 4")
struct SigV4Tests {
    @Test("the published examples are there")
    func published() {
        #expect(SignatureVector.all.count >= 29)
    }

    @Test("are those of the published examples", arguments: SignatureVector.all)
    func examples(vector: SignatureVector) throws {
        let signer = SigV4(
            keys: AccessKeys(
                id: vector.accessKeyId, secret: vector.secret, sessionToken: vector.sessionToken),
            region: "us-east-1", service: vector.service, normalisesPath: vector.normalisesPath)
        let request = ExchangeRequest(
            method: vector.method, target: vector.target,
            headers: vector.headers.map { ($0[0], $0[1]) }, body: Array(vector.body.utf8))
        let signed = signer.signed(request, host: vector.host, at: vector.milliseconds)
        let date = AmazonTime(milliseconds: vector.milliseconds).date
        let found = try #require(signed.headers.last)
        #expect(found.0 == "authorization")
        #expect(
            found.1
                == "AWS4-HMAC-SHA256 Credential=\(vector.accessKeyId)/\(date)/us-east-1/"
                + "\(vector.service)/aws4_request, SignedHeaders=\(vector.signedHeaders), "
                + "Signature=\(vector.signature)")
    }

    @Test("of S3 cover a hash of the body and take the path as it is")
    func objectStore() {
        let signer = SigV4(
            keys: AccessKeys(id: "A", secret: "S", sessionToken: nil), region: "r", service: "s3")
        let request = ExchangeRequest(method: "PUT", target: "/a%20b//c", body: [1])
        let signed = signer.signed(request, host: "h", at: 0)
        let hash = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"
        #expect(signed.headers.map(\.0) == ["x-amz-date", "x-amz-content-sha256", "authorization"])
        #expect(signed.headers[1].1 == hash)
        let canonical = signer.canonicalRequest(request, host: "h", bodyHash: hash)
        #expect(canonical.text == "PUT\n/a%20b//c\n\nhost:h\n\nhost\n\(hash)")
    }

    @Test(
        "carry the time in UTC",
        arguments: [
            (Int64(0), "19700101T000000Z"), (951_782_399_999, "20000228T235959Z"),
            (951_782_400_000, "20000229T000000Z"), (951_868_800_000, "20000301T000000Z"),
            (1_440_938_160_000, "20150830T123600Z"), (1_735_689_599_000, "20241231T235959Z"),
            (1_709_164_800_000, "20240229T000000Z"), (4_107_542_400_000, "21000301T000000Z"),
        ])
    func time(milliseconds: Int64, text: String) {
        #expect(AmazonTime(milliseconds: milliseconds).text == text)
        #expect(AmazonTime(milliseconds: milliseconds).date == String(text.prefix(8)))
    }

    @Test("keys do not print")
    func silence() {
        let keys = AccessKeys(id: "AKID", secret: "SMCANARY", sessionToken: "SMCANARY")
        #expect("\(keys) \(String(reflecting: keys))" == "access keys access keys")
    }
}

/// The tables beside the tests.
enum DataFile {
    static func rows<Row: Decodable>(_ name: String) -> [Row] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let url = folder.appending(path: "Data/\(name)")
        do {
            return try JSONDecoder().decode([Row].self, from: Data(contentsOf: url))
        } catch {
            Issue.record("\(name) cannot be read: \(error)")
            return []
        }
    }
}
