/// What `/metrics` shows of the custody of keys.
extension MetricsPage {
    /// The same metrics, sealed or not, so that an alarm on them has something to look at.
    static func addSeal(isSealed: Bool, wrongKeys: UInt64, to page: inout PrometheusText) {
        page.gauge(
            "strm_sealed", "1 while the server has no master key and opens nothing.",
            isSealed ? 1 : 0)
        page.counter(
            "strm_unseal_wrong_keys_total", "Master keys given to the sealed server that were wrong.",
            wrongKeys)
    }
}
