import AuditProof
import Crypto
import Foundation
import Testing

@testable import Export

/// What lies in a bucket, read back and held against its manifests.
struct ExportedBucket {
    struct Batch {
        var object: String
        var manifest: [String: Any]
        var bytes: [UInt8]

        var lines: [Substring] { String(decoding: bytes, as: UTF8.self).split(separator: "\n") }
        subscript(_ member: String) -> Int { manifest[member] as? Int ?? -1 }
    }

    /// In the order of partitions and offsets.
    var batches: [Batch] = []

    init(_ site: ExportSite) throws {
        let objects = site.bucket.objects
        let names = objects.keys.filter { $0.hasSuffix(".manifest.json") }
        for name in names {
            let document = try #require(objects[name])
            let manifest = try Self.verified(document, by: site.signer.key)
            let object = try #require(manifest["object"] as? String)
            #expect(name == object + ".manifest.json")
            let bytes = try #require(objects[object])
            #expect(manifest["bytes"] as? Int == bytes.count)
            #expect(manifest["sha256"] as? String == HexText.text(SHA256.hash(data: bytes)))
            batches.append(Batch(object: object, manifest: manifest, bytes: bytes))
        }
        let data = objects.keys.filter { $0.contains(".jsonl") && !$0.hasSuffix(".json") }
            .filter { !$0.hasSuffix(".keys.csv") }
        #expect(Set(data) == Set(batches.map(\.object)))
        batches.sort { ($0["partition"], $0["firstOffset"]) < ($1["partition"], $1["firstOffset"]) }
        for (one, next) in zip(batches, batches.dropFirst())
        where one["partition"] == next["partition"] {
            #expect(one["lastOffset"] < next["firstOffset"])
        }
    }

    /// The marks of all events, in order.
    var marks: [String] {
        get throws {
            try batches.flatMap(\.lines).map { line in
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return try #require((event as? [String: Any])?["mark"] as? String)
            }
        }
    }

    /// The manifest of a document whose signature is right, taken apart without our own writer.
    static func verified(_ document: [UInt8], by key: VerifierKey) throws -> [String: Any] {
        let text = String(decoding: document, as: UTF8.self)
        let parsed = try JSONSerialization.jsonObject(with: Data(document))
        let members = try #require(parsed as? [String: Any])
        let signature = try #require(members["signature"] as? String)
        let start = try #require(text.range(of: "{\"manifest\":"))
        let end = try #require(text.range(of: ",\"signature\":"))
        let canonical = text[start.upperBound..<end.lowerBound]
        let note = try SignedNote(parsing: Array("\(canonical)\n\n\(signature)\n".utf8))
        try note.verify(with: key)
        return try #require(members["manifest"] as? [String: Any])
    }
}
