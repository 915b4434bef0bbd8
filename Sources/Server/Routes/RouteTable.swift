import HTTP
import Store

/// All routes, once. The router serves them, and tests compare them with the OpenAPI document.
enum RouteTable {
    static func routes(_ engine: Engine, _ webSocket: WebSocketRoute) -> [Route] {
        let policy = ApprovalPolicy(isSinglePerson: engine.settings.isSinglePerson)
        let tokens = TokenRoutes(
            service: engine.tokenService, keys: engine.keys, issuer: engine.tokens.issuer)
        let events = EventRoutes(catalog: engine.catalog, query: engine.query)
        let contracts = ContractRoutes(
            catalog: engine.catalog, loader: engine.loader, store: engine.store, policy: policy)
        let purposes = PurposeRoutes(
            catalog: engine.catalog, loader: engine.loader, store: engine.store,
            registry: engine.loader.registry, policy: policy)
        let streams = StreamRoutes(
            catalog: engine.catalog, store: engine.store, query: engine.query,
            ingest: engine.ingest, secrets: engine.secrets, policy: policy,
            retentionDays: engine.settings.limits.retentionDays)
        let clients = ClientRoutes(catalog: engine.catalog, secrets: engine.secrets)
        let audit = AuditRoutes(audit: engine.audit, store: engine.store)
        let questions = AuditQuestionRoutes(
            audit: engine.audit, store: engine.store, catalog: engine.catalog)
        let report = AuditReportRoute(
            audit: engine.audit, store: engine.store, catalog: engine.catalog,
            registry: engine.loader.registry, query: engine.query)
        let recipients = AuditRecipientsRoute(subjects: engine.subjects)
        let connectors = ConnectorRoutes(
            catalog: engine.catalog, vault: engine.vault, store: engine.store,
            audit: engine.audit, exporters: engine.exporters)
        let exporters = ExporterRoutes(
            catalog: engine.catalog, store: engine.store, exporters: engine.exporters,
            intervalSecondsMin: engine.settings.exports.intervalSecondsMin)
        let dryRuns = DryRunRoutes(catalog: engine.catalog, query: engine.query)
        let keyExport = KeyExportRoute(catalog: engine.catalog)
        let management =
            (contracts.routes + purposes.routes + streams.routes + clients.routes
            + connectors.routes
            + exporters.routes + [keyExport.route]).map {
                $0.method == .get ? $0 : $0.retryingConflicts(engine.catalog)
            }
        let rejections = RejectionRoutes(ingest: engine.ingest, startedAt: engine.startedAt)
        let kept = KeptRejectionRoutes(
            catalog: engine.catalog, store: engine.store, ingest: engine.ingest,
            query: engine.query)
        let subjects = SubjectRoutes(subjects: engine.subjects)
        return events.routes + [webSocket.route] + management + dryRuns.routes
            + rejections.routes + kept.routes + [ReplayRoute(kept: kept).route] + subjects.routes
            + audit.routes + AuditProofRoutes(engine: engine).routes
            + ProofRoutes(audit: engine.audit, places: ServerPlaces(engine.settings)).routes
            + BackupRoutes(backups: engine.backups).routes
            + questions.routes + [report.route, recipients.route]
            + tokens.routes + OperationsRoutes(engine: engine).routes
            + KeyRoutes(engine: engine).routes + [ExpiryRoute(engine: engine).route]
    }
}
