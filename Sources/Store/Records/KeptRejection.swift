import FoundationEssentials

/// What is known of a kept refused event without opening it. Nothing in it is a sender's text.
///
/// It is stored as an ordinary event record of the stream's partition 65535: of no contract (0),
/// without any consent level, so that no derived stream passes it, and with one span of the level
/// 255, which no reader can have. Its JSON, the members in this order:
///
///     {"rejectedAt":1790000000000,"about":{…},"body":"<sealed>"}
///
/// `about` is this structure as JSON; `body` is the sealed ``RefusedBody`` under a data key that
/// seals nothing else.
package struct KeptRejection: Sendable, Codable, Equatable {
    /// The client that sent it.
    package var client: String
    /// The registered contract that it named; "": none.
    package var contract: String
    package var kind: String
    package var rule: String
    /// Of the contract's own rules; nil: it was none of those.
    package var ruleId: String?
    /// As in `Refusal.place`.
    package var place: String
    /// Bytes of the body as it was sent.
    package var byteCount: Int

    package init(
        client: String, contract: String, kind: String, rule: String, ruleId: String?,
        place: String, byteCount: Int
    ) {
        self.client = client
        self.contract = contract
        self.kind = kind
        self.rule = rule
        self.ruleId = ruleId
        self.place = place
        self.byteCount = byteCount
    }
}

extension KeptRejection {
    package static let level: UInt8 = 255
    /// Where in the JSON the digits of the time stand.
    package static let timestampDigitsAt = start.count

    private static let start = Array("{\"rejectedAt\":".utf8)
    private static let about = Array(",\"about\":".utf8)
    private static let body = Array(",\"body\":\"".utf8)
    package static let end = Array("\"}".utf8)

    /// The JSON up to the sealed body, with room for the time, which is `timestamp` cut to 13 digits.
    package func head(at timestamp: Milliseconds) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding fails only for numbers that are none, and there are none of these.
        let text = (try? encoder.encode(self)).map { [UInt8]($0) } ?? Array("{}".utf8)
        return Self.start + Self.digits(timestamp) + Self.about + text + Self.body
    }

    /// Reads what a record of a kept event says; nil: it is none.
    package init?(_ record: borrowing EventRecordView) {
        guard record.spanCount == 1 else { return nil }
        let from = Self.start.count + EventRecord.timestampDigits + Self.about.count
        let to = Int(record.span(at: 0).start) - Self.body.count
        let json = record.json
        guard from < to, to <= json.count,
            let read = try? JSONDecoder().decode(Self.self, from: Data(json[from..<to]))
        else { return nil }
        self = read
    }

    /// 13 digits, which is what the JSON of every record has.
    static func digits(_ timestamp: Milliseconds) -> [UInt8] {
        Array(String(min(max(timestamp, 1_000_000_000_000), EventRecord.timestampMax)).utf8)
    }
}
