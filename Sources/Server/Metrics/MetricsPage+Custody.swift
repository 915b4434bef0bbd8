import Vault

/// What `/metrics` shows of the custody of keys.
extension MetricsPage {
    func addSweep(to page: inout PrometheusText) {
        page.counter(
            "strm_housekeeping_rounds_total",
            "Rounds of housekeeping, one a minute: expiry, destruction, rotation, sweeping.",
            housekeepingRounds)
        page.gauge(
            "strm_housekeeping_last_round_time_seconds",
            "When the last round of housekeeping ended, in seconds since 1970; 0: none has.",
            Double(housekeepingEndedAt) / 1_000)
        page.metric(
            "strm_swept_records_total", .counter,
            "Records of destroyed keys taken out of the store, by family.")
        for (family, count) in [
            ("keys", swept.keys), ("index", swept.index), ("subjects", swept.subjects),
        ] { page.sample("strm_swept_records_total", ["family": family], Double(count)) }
        page.counter(
            "strm_sweep_passes_total", "Times that all records were gone through.", swept.passes)
    }

    /// The same metrics, sealed or not, so that an alarm on them has something to look at.
    static func addSeal(isSealed: Bool, wrongKeys: UInt64, to page: inout PrometheusText) {
        page.gauge(
            "strm_sealed", "1 while the server has no master key and opens nothing.",
            isSealed ? 1 : 0)
        page.counter(
            "strm_unseal_wrong_keys_total",
            "Master keys given to the sealed server that were wrong.",
            wrongKeys)
    }
}
