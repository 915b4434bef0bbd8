/// What `strm prove --scratch` must have driven before nothing found means that nothing is there.
///
/// The list is in the program and not made from what a run did: a path that is not driven any more,
/// for whatever reason, would otherwise be missed by nobody.
package enum ProofCoverage {
    package static let scratch: Set<String> = [
        "answer", "audit.exported", "backup.made", "client.made", "connector.made",
        "contract.active", "custody.marked", "derivedStream.made", "derivedStream.masked",
        "dryRun.described",
        "dryRun.stored", "erasures.listed", "event.avro", "event.control", "event.crash",
        "event.dryRun", "event.json.http1", "event.json.http2", "event.jsonSchema",
        "event.markedHeaders", "event.person", "event.withoutConsent", "events.batch",
        "events.dryRun", "export.keys", "export.opened", "export.sealed", "login.older",
        "login.refused", "read.consumer", "read.longPoll", "read.masked", "read.opened",
        "read.sealed", "read.webSocket.opened", "read.webSocket.sealed", "refresh.refused",
        "refused.avro", "refused.batch", "refused.connector.gcs", "refused.connector.s3",
        "refused.contract", "refused.contractText", "refused.jsonSchema", "refused.level",
        "refused.management", "refused.mediaType", "refused.missingField", "refused.notJSON",
        "refused.path", "refused.query", "refused.role", "refused.rule", "refused.size",
        "refused.syntax", "refused.token", "refused.type", "refused.unknownField",
        "rejections.listed", "rejections.replayed", "rejections.shown", "stream.made",
        "subject.access", "subject.erased", "subject.links", "unseal.opened", "unseal.refused",
    ]

    /// Paths that were left out, and those that nobody said anything about. What failed is told by
    /// the run itself.
    /// - Returns: sentences, sorted; empty if all that was expected was driven.
    package static func doubts(
        expected: Set<String>, driven: Set<String>, leftOut: [String: String], failed: Set<String>
    ) -> [String] {
        let unmentioned = expected.subtracting(driven).subtracting(failed)
            .subtracting(leftOut.keys)
        return leftOut.map { "\($0.key) was left out: \($0.value)" }.sorted()
            + unmentioned.sorted().map { "\($0) was not driven" }
    }
}
