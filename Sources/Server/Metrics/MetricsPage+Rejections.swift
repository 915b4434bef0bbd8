import Ingest

extension MetricsPage {
    /// What was refused, for whoever watches the quality of a stream's data. As many samples as
    /// there are rows, at most, and rows are bounded (`RejectionCounts`); no label is a sender's.
    func addRejections(to page: inout PrometheusText) {
        struct Label: Hashable {
            var stream: String
            var contract: String
            var rule: String
            var place: String
            var client: String
            var order: String {
                [stream, contract, rule, place, client].joined(separator: "\u{0}")
            }
        }
        var counts: [Label: UInt64] = [:]
        for (key, row) in rejections {
            let label = Label(
                stream: key.stream, contract: key.contract, rule: key.rule, place: key.place,
                client: key.client)
            counts[label, default: 0] += row.count
        }
        page.metric(
            "strm_events_refused_total", .counter,
            "Events refused, by stream, registered contract, rule, place in its schema and client.")
        for (label, count) in counts.sorted(by: { $0.key.order < $1.key.order }) {
            page.sample(
                "strm_events_refused_total",
                [
                    "stream": label.stream, "contract": label.contract, "rule": label.rule,
                    "place": label.place, "client": label.client,
                ],
                Double(count))
        }
        addKeeping(to: &page)
    }

    private func addKeeping(to page: inout PrometheusText) {
        let streams = keeping.sorted { $0.key < $1.key }
            .map { (name: streamNames[$0.key] ?? String($0.key), statistics: $0.value) }
        page.metric(
            "strm_rejections_kept_total", .counter, "Refused bodies that were kept, by stream.")
        for stream in streams {
            page.sample(
                "strm_rejections_kept_total", ["stream": stream.name],
                Double(stream.statistics.kept))
        }
        page.metric(
            "strm_rejections_not_kept_total", .counter,
            "Refused bodies of streams that keep them that were not kept, by reason.")
        for stream in streams {
            for (reason, count) in stream.statistics.notKept.sorted(by: { $0.key < $1.key }) {
                page.sample(
                    "strm_rejections_not_kept_total",
                    ["stream": stream.name, "reason": reason.rawValue], Double(count))
            }
        }
    }
}
