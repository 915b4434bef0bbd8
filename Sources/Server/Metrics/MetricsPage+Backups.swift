import Vault

extension MetricsPage {
    /// How much would be lost if the disk were gone now.
    func addBackups(to page: inout PrometheusText) {
        if backups.isSet {
            page.gauge("strm_backups", "Backups that are there.", Double(backups.count))
            page.gauge(
                "strm_backup_running", "1 while one is being made.", backups.isRunning ? 1 : 0)
            page.counter("strm_backups_made_total", "Backups made and checked.", backups.made)
            page.counter("strm_backups_failed_total", "Backups that were not made.", backups.failed)
            page.gauge(
                "strm_backup_stall_seconds", "How long commits waited for the last one.",
                Double(backups.stalledNanoseconds) / 1e9)
        }
        if let newest = backups.newestAt {
            page.gauge(
                "strm_backup_verified_age_seconds",
                "Age of the data in the newest backup that passed its check; absent if none.",
                Double(max(0, now - newest)) / 1_000)
            page.gauge("strm_backup_bytes", "Its bytes.", Double(backups.newestBytes))
        }
        guard let escrow = vault.escrow else { return }
        page.gauge(
            "strm_keyring_escrow_generation", "The generation that the escrow holds.",
            Double(escrow.generation ?? 0))
        page.gauge(
            "strm_keyring_escrow_behind_seconds",
            "Since when the escrow lacks the current generation; 0: it has it.",
            escrow.behindSince.map { Double(max(1, now - $0)) / 1_000 } ?? 0)
    }
}
