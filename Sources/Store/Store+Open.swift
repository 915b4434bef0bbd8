import Glibc

extension Store {
    /// Opens the data directory, making it if there is none. Replays the WAL and compares what is
    /// found with the watermark; takes up to seconds. `clock`: ms since 1970; called on the commit
    /// thread.
    /// - Throws: `.locked`: another process has it; `.corrupt`: a file is damaged or of an unknown
    ///   version; `.olderThanWatermark`: something acknowledged is missing, with a message for the
    ///   operator; `.io`, `.diskFull`.
    package static func open(
        _ configuration: StoreConfiguration, clock: @escaping @Sendable () -> Milliseconds
    ) throws(StoreError) -> Store {
        try Directories.make(configuration.directory)
        try Directories.make(Directories.parent(configuration.watermarkPath))
        let databasePath = configuration.directory + "/db"
        let lock = try DirectoryLock(path: configuration.directory + "/lock")
        let content = try WatermarkFile(path: configuration.watermarkPath).read()
        let isNew = try checkDirectory(databasePath, content, configuration)

        let (database, families) = try Database.open(
            path: databasePath, isNew: isNew, options: try EngineOptions(configuration), lock: lock)
        let engine = try Engine(database: database, families: families)
        try checkFormat(engine)
        let isInitialised = try engine.meta.read(StoreKeys.initialised) != nil
        let watermark = try checkedWatermark(content, isInitialised, configuration)

        let recovery = Recovery(engine: engine, families: try dayFamilies(families))
        var recovered = try recovery.recover()
        if let watermark, let shortfall = recovery.shortfall(recovered, watermark) {
            guard configuration.acceptsOlderState else { throw refusal(shortfall, configuration) }
            try recovery.acceptLoss(&recovered, watermark)
        }

        let table = PartitionTable(
            partitions: recovered.partitions, families: recovered.families)
        let keeper = WatermarkKeeper(
            path: configuration.watermarkPath, last: watermark, sequence: database.sequence,
            table: table)
        if !isInitialised || configuration.acceptsOlderState {
            // First the file, then the record that says that there must be one.
            try keeper.writeIfDirty(now: clock(), always: true)
            let batch = try WriteBatch()
            batch.put(engine.meta, key: StoreKeys.initialised, value: [1])
            try database.write(batch, isSynced: true)
            keeper.didSync(sequence: database.sequence, audit: nil)
        }
        return try Store(
            engine: engine, recovered: recovered,
            shared: CommitShared(
                configuration: configuration, clock: clock, table: table,
                catalog: Catalog(recovered.documents), keeper: keeper,
                counters: CommitCounters(), queue: CommitQueue(limits: configuration)),
            databasePath: databasePath, auditWatermark: watermark?.audit ?? [])
    }

    /// True if there is no database yet. A database that has lost its first file must not be taken
    /// for none: the engine would make a new one over it.
    private static func checkDirectory(
        _ path: String, _ content: WatermarkFile.Content, _ configuration: StoreConfiguration
    ) throws(StoreError) -> Bool {
        try Directories.make(path)
        let names = Directories.names(path)
        if names.contains("CURRENT") { return false }
        if names.contains(where: { $0.hasSuffix(".sst") || $0.hasPrefix("MANIFEST") }) {
            throw .corrupt("\(path) holds a database without its file CURRENT")
        }
        if case .valid(let watermark) = content, !configuration.acceptsOlderState {
            throw refusal(
                "there is no database, but write \(watermark.sequence) was acknowledged",
                configuration)
        }
        return true
    }

    /// Writes the version into a new database; refuses one that this program does not know.
    private static func checkFormat(_ engine: Engine) throws(StoreError) {
        if let bytes = try engine.meta.read(StoreKeys.format) {
            let version = bytes.withUnsafeBytes { StoreKeys.number($0, as: UInt32.self) }
            guard version == StoreKeys.formatVersion else {
                throw .corrupt(
                    "the database has format \(version.map(String.init) ?? "unknown"); this "
                        + "program knows \(StoreKeys.formatVersion)")
            }
            return
        }
        guard engine.database.sequence == 0 else {
            throw .corrupt("the database does not say its format")
        }
        let batch = try WriteBatch()
        batch.put(
            engine.meta, key: StoreKeys.format, value: StoreKeys.bytes(StoreKeys.formatVersion))
        try engine.database.write(batch, isSynced: true)
    }

    static func dayFamilies(
        _ families: [ColumnFamily]
    ) throws(StoreError) -> [DayFamily] {
        var days: [DayFamily] = []
        for family in families where FamilyKind(rawValue: family.name) == nil {
            guard let day = DayFamily(family) else {
                throw .corrupt("the database has an unknown family \(family.name)")
            }
            days.append(day)
        }
        return days
    }

    private static func checkedWatermark(
        _ content: WatermarkFile.Content, _ isInitialised: Bool,
        _ configuration: StoreConfiguration
    ) throws(StoreError) -> Watermark? {
        switch content {
        case .valid(let watermark): return watermark
        case .missing, .damaged:
            guard isInitialised, !configuration.acceptsOlderState else { return nil }
            throw refusal(
                content == .missing ? "the watermark file is missing" : "the watermark is damaged",
                configuration)
        }
    }

    private static func refusal(
        _ what: String, _ configuration: StoreConfiguration
    ) -> StoreError {
        .olderThanWatermark(
            "The data in \(configuration.directory) is older than what was acknowledged: \(what) "
                + "(watermark file: \(configuration.watermarkPath)). Bring back the missing files, "
                + "or accept the loss by one start with recovery.acceptsOlderState=true.")
    }
}
