import Audit
import Export
import HTTP
import Ingest
import Query
import Store
import Vault
import Witness

/// What `/metrics` shows: one snapshot of each module, taken when it is asked for. Labels are slugs
/// and names of our own; nothing of an event, and no client's text, is ever one.
struct MetricsPage: Sendable {
    /// nil before the listener is there.
    var http: HTTPStatistics?
    var ingest: IngestStatistics
    var rejections: [RejectionCounts.Key: RejectionCounts.Row]
    /// By the stream's number in the catalog.
    var keeping: [UInt32: KeepingStatistics]
    var store: StoreStatistics
    var vault: VaultStatistics
    var query: QueryStatistics
    var exporters: [ExporterStatus]
    var witnesses: [WitnessStatus]
    var backups: BackupFigures
    var now: Milliseconds
    var auditSize: UInt64
    var tokensIssued: UInt64
    var tokensRefused: UInt64
    var requestsRunning: Int
    var requestsWaiting: Int
    /// Streams and derived streams by their number in the catalog.
    var streamNames: [UInt32: String]
    var startedAt: Milliseconds
    var isReady: Bool
    var wrongMasterKeys: UInt64 = 0
    var swept = RecordSweeper.Statistics()
    var housekeepingRounds: UInt64 = 0
    var housekeepingEndedAt: Milliseconds = 0

    var text: String {
        var page = PrometheusText()
        page.gauge(
            "strm_ready", "1 if events are taken and the audit log can be written.", isReady ? 1 : 0
        )
        page.gauge(
            "strm_start_time_seconds", "When the process started, in seconds since 1970.",
            Double(startedAt) / 1_000)
        addIngest(to: &page)
        addRejections(to: &page)
        addStore(to: &page)
        addQuery(to: &page)
        addExporters(to: &page)
        addWitnesses(to: &page)
        addBackups(to: &page)
        addVault(to: &page)
        Self.addSeal(isSealed: false, wrongKeys: wrongMasterKeys, to: &page)
        addSweep(to: &page)
        addHTTP(to: &page)
        return page.text
    }

    private func addIngest(to page: inout PrometheusText) {
        page.counter(
            "strm_ingest_events_total", "Events handed to the commit queue.", ingest.acceptedEvents)
        page.counter(
            "strm_ingest_bytes_total", "Bytes of their bodies as received.", ingest.acceptedBytes)
        page.metric(
            "strm_ingest_refused_total", .counter, "Events refused, by problem type and rule.")
        for (reason, count) in ingest.refusedEvents.sorted(by: {
            ($0.key.kind, $0.key.rule) < ($1.key.kind, $1.key.rule)
        }) {
            page.sample(
                "strm_ingest_refused_total", ["type": reason.kind, "rule": reason.rule],
                Double(count))
        }
        page.counter(
            "strm_ingest_overloaded_total", "Events turned away because a queue was full.",
            ingest.overloadedEvents)
        page.counter(
            "strm_ingest_diverted_total", "Events that waited for a key that was not in memory.",
            ingest.divertedEvents)
        page.counter(
            "strm_ingest_keyless_total", "Events whose key could not be had.", ingest.keylessEvents)
        page.gauge(
            "strm_ingest_slow_lane_events", "Events that wait for a key now.",
            Double(ingest.slowLaneEvents))
    }

    private func addStore(to page: inout PrometheusText) {
        page.counter("strm_commits_total", "Commits, each with one sync.", store.commits)
        page.counter(
            "strm_committed_events_total",
            "Records made durable: events, kept refused events and marks of replays.",
            store.events)
        page.counter("strm_committed_bytes_total", "Bytes of their records.", store.eventBytes)
        page.histogram(
            "strm_commit_events", "Events of a commit.",
            buckets: store.batchEvents.counts.enumerated().map {
                (CountHistogram.upperBound($0.offset), $0.element)
            }, sum: Double(store.batchEvents.sum))
        page.histogram(
            "strm_commit_seconds", "From taking a batch to its last acknowledgement.",
            buckets: Self.buckets(store.commitTime),
            sum: Double(store.commitTime.sumNanoseconds) / 1e9)
        page.histogram(
            "strm_commit_write_seconds", "The write of a batch with its sync.",
            buckets: Self.buckets(store.writeTime),
            sum: Double(store.writeTime.sumNanoseconds) / 1e9)
        page.gauge(
            "strm_queue_events", "Events that wait for the commit thread.",
            Double(store.queuedEvents))
        page.gauge("strm_queue_bytes", "Their bytes.", Double(store.queuedBytes))
        page.gauge(
            "strm_queue_requests", "Changes and audit entries that wait for the commit thread.",
            Double(store.queuedRequests))
        page.counter(
            "strm_store_refused_total",
            "Submissions refused because the queue or disk was full, or a commit did not end.",
            store.refusals)
        page.gauge(
            "strm_commit_running_seconds",
            "How long the commit in hand has taken; events are refused from 2 on.",
            Double(store.runningNanoseconds) / 1e9)
        page.gauge("strm_store_poisoned", "1 after a failed write.", store.isPoisoned ? 1 : 0)
        page.gauge(
            "strm_disk_full", "1 while events are refused for want of room.",
            store.isDiskFull ? 1 : 0)
        page.gauge("strm_disk_used_bytes", "Files of the database.", Double(store.diskBytes))
        page.gauge("strm_disk_free_bytes", "Free on its file system.", Double(store.freeBytes))
        page.gauge("strm_store_days", "Column families with events.", Double(store.dayFamilies))
        page.gauge("strm_store_partitions", "Open partitions.", Double(store.partitions))
        page.counter(
            "strm_watermark_failures_total", "Watermarks that could not be written.",
            store.watermarkFailures)
        page.gauge("strm_audit_size", "Entries of the audit log.", Double(auditSize))
        addEngine(to: &page)
    }

    private func addEngine(to page: inout PrometheusText) {
        guard let engine = store.engine else { return }
        page.metric("strm_engine_memory_bytes", .gauge, "Memory of the storage engine, by use.")
        for (use, bytes) in [
            ("memtables", engine.memtableBytes), ("open-files", engine.openFileBytes),
            ("block-cache", engine.blockCacheBytes),
        ] { page.sample("strm_engine_memory_bytes", ["use": use], Double(bytes)) }
        page.gauge(
            "strm_engine_write_stopped", "1 while the storage engine takes no writes.",
            engine.isWriteStopped ? 1 : 0)
        page.gauge(
            "strm_engine_delayed_write_bytes_per_second",
            "To what rate the storage engine holds writes down; 0: it does not.",
            Double(engine.delayedWriteBytesPerSecond))
    }

    private func addExporters(to page: inout PrometheusText) {
        func each(
            _ name: String, _ kind: PrometheusText.Kind, _ help: String,
            _ value: (ExporterStatus) -> Double?
        ) {
            page.metric(name, kind, help)
            for status in exporters {
                guard let value = value(status) else { continue }
                page.sample(name, ["exporter": status.definition.name], value)
            }
        }
        each("strm_exporter_lag_events", .gauge, "Events that are not exported yet.") {
            Double($0.lagEvents)
        }
        each("strm_exporter_failures", .gauge, "Tries in a row that failed.") {
            Double($0.failures)
        }
        each(
            "strm_exporter_seconds_until_loss", .gauge,
            "Until retention takes what is not exported; absent if all is."
        ) { $0.secondsUntilLoss(now: now) }
        each("strm_exporter_batches_total", .counter, "Objects with events written.") {
            Double($0.progress.batches)
        }
        each("strm_exporter_events_total", .counter, "Events in them.") {
            Double($0.progress.events)
        }
        each(
            "strm_exporter_lost_events_total", .counter,
            "Events that expired before they were exported."
        ) { Double($0.progress.lostEvents) }
    }

    private func addQuery(to page: inout PrometheusText) {
        page.metric("strm_read_events_total", .counter, "Events handed out, by kind of stream.")
        page.sample("strm_read_events_total", ["kind": "stream"], Double(query.sealedEvents))
        page.sample(
            "strm_read_events_total", ["kind": "derived-stream"], Double(query.derivedEvents))
        page.metric("strm_read_pages_total", .counter, "Pages handed out, by kind of stream.")
        page.sample("strm_read_pages_total", ["kind": "stream"], Double(query.sealedPages))
        page.sample(
            "strm_read_pages_total", ["kind": "derived-stream"], Double(query.derivedPages))
        page.counter(
            "strm_read_dropped_total", "Events passed over for want of consent.",
            query.droppedEvents)
        page.counter("strm_fields_opened_total", "Fields opened.", query.openedFields)
        page.counter(
            "strm_fields_gone_total", "Fields left sealed because their key is gone.",
            query.goneFields)
        page.counter(
            "strm_fields_damaged_total", "Fields that did not verify under their key.",
            query.damagedFields)
        page.counter("strm_releases_total", "Releases put on record.", query.releases)
        page.counter(
            "strm_releases_refused_total", "Releases refused because they could not be recorded.",
            query.refusedReleases)
        page.gauge(
            "strm_readers_waiting", "Readers that wait for events.", Double(query.waitingReaders))
        page.metric(
            "strm_consumer_lag_events", .gauge,
            "Events between the committed cursor of a named consumer and the end of its stream.")
        for lag in query.lags {
            page.sample(
                "strm_consumer_lag_events",
                [
                    "stream": streamNames[lag.view] ?? String(lag.view), "client": lag.client,
                    "consumer": lag.consumer,
                ], Double(lag.events))
        }
    }

    private func addVault(to page: inout PrometheusText) {
        page.gauge("strm_keys_cached", "Data keys in memory.", Double(vault.cachedKeys))
        page.gauge("strm_keys_cached_max", "The most there can be.", Double(vault.cachedKeysMax))
        page.counter("strm_key_cache_hits_total", "Data keys found in memory.", vault.cacheHits)
        page.counter(
            "strm_key_cache_misses_total", "Data keys not found in memory.", vault.cacheMisses)
        page.counter(
            "strm_key_cache_evictions_total", "Data keys put out of memory.", vault.evictions)
        page.counter("strm_keys_made_total", "Data keys made.", vault.keysMade)
        page.gauge(
            "strm_key_memory_bytes", "Memory for data keys.", Double(vault.keyMemoryBytes))
        page.gauge(
            "strm_key_memory_locked_bytes", "How much of it cannot be swapped.",
            Double(vault.lockedKeyMemoryBytes))
        page.gauge(
            "strm_key_epochs", "Epochs and retention classes in the keyring.",
            Double(vault.epochClasses))
        page.gauge(
            "strm_keyring_generation", "Generation of the keyring.", Double(vault.generation))
        page.gauge(
            "strm_keyring_failed", "1 while the last write of the keyring failed.",
            vault.keyringFailure == nil ? 0 : 1)
        page.gauge(
            "strm_destruction_on_hold",
            "1 while the clock is not trusted and nothing is destroyed.",
            vault.isDestructionOnHold ? 1 : 0)
        page.gauge(
            "strm_erasures_waiting", "Erasures whose keys are not destroyed for good yet.",
            Double(vault.erasuresWaiting))
        page.gauge(
            "strm_erasure_ledger_number", "Number of the erasure ledger's last record.",
            Double(vault.erasureLedgerNumber))
        page.gauge(
            "strm_erasure_ledger_failed",
            "1 while the erasure ledger takes no more records, or is almost full.",
            vault.ledgerFailure == nil ? 0 : 1)
        page.gauge(
            "strm_erased_key_links", "Erased data keys whose epochs are not destroyed yet.",
            Double(vault.erasedLinks))
        page.counter("strm_tokens_issued_total", "Access tokens issued.", tokensIssued)
        page.counter("strm_tokens_refused_total", "Token requests refused.", tokensRefused)
    }

    private func addHTTP(to page: inout PrometheusText) {
        guard let http else { return }
        page.metric("strm_http_requests_total", .counter, "Requests, by version of HTTP.")
        page.sample("strm_http_requests_total", ["version": "1.1"], Double(http.requestsHTTP1))
        page.sample("strm_http_requests_total", ["version": "2"], Double(http.requestsHTTP2))
        page.gauge("strm_http_connections", "Open connections.", Double(http.connectionsOpen))
        page.counter(
            "strm_http_connections_accepted_total", "Connections accepted.",
            UInt64(http.connectionsAccepted))
        page.counter(
            "strm_http_connections_refused_total",
            "Connections closed because there were too many.",
            UInt64(http.connectionsRefused))
        page.gauge("strm_http_websockets", "Open WebSockets.", Double(http.webSocketsOpen))
        page.counter(
            "strm_http_stream_resets_total", "Streams reset by clients.", UInt64(http.streamResets))
        page.counter(
            "strm_http_protocol_errors_total", "Malformed input, broken limits and floods.",
            UInt64(http.protocolErrors))
        page.counter(
            "strm_http_timeouts_total", "Connections and streams that were too slow.",
            UInt64(http.timeouts))
        page.counter(
            "strm_http_received_bytes_total", "Bytes received.", UInt64(http.bytesReceived))
        page.counter("strm_http_sent_bytes_total", "Bytes sent.", UInt64(http.bytesSent))
        page.gauge("strm_requests_running", "Requests that run as tasks.", Double(requestsRunning))
        page.gauge("strm_requests_waiting", "Long-polls that wait.", Double(requestsWaiting))
    }

    private static func buckets(
        _ histogram: DurationHistogram
    ) -> [(bound: Double, count: UInt64)] {
        histogram.counts.enumerated().map {
            (DurationHistogram.upperBoundSeconds($0.offset), $0.element)
        }
    }
}
