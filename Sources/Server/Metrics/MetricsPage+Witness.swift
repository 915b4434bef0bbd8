import Store
import Witness

extension MetricsPage {
    func addWitnesses(to page: inout PrometheusText) {
        guard !witnesses.isEmpty else { return }
        func each(_ name: String, _ help: String, _ value: (WitnessStatus) -> Double) {
            page.metric(name, .gauge, help)
            for status in witnesses {
                page.sample(name, ["kind": status.kind.rawValue], value(status))
            }
        }
        each(
            "strm_audit_outside_confirmation_age_seconds",
            "Since a place outside last took a checkpoint; infinite if it never did."
        ) { $0.ageSeconds(now: now) }
        each("strm_audit_outside_confirmed_size", "Entries of the checkpoint that it took last.") {
            Double($0.confirmation?.size ?? 0)
        }
        each(
            "strm_audit_outside_verified",
            "1 if the last answer was a cosignature by the configured key of the witness."
        ) { $0.isVerified ? 1 : 0 }
        each("strm_audit_outside_failures", "Tries in a row that failed.") { Double($0.failures) }
        each(
            "strm_audit_outside_other_history",
            "1 if the place and the log tell different histories: one was rolled back or forked."
        ) { $0.isOtherHistory ? 1 : 0 }
    }
}
