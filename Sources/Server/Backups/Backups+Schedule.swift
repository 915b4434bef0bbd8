import Audit
import Logging
import Store
import Synchronization

/// The schedule: when one is made without being asked for, and which are removed.
extension Backups {
    /// Once a minute: looks what is there, makes one if it is time, and removes the oldest of those
    /// that were made by the schedule. Each attempt is on record, so one that failed is followed by a
    /// pause: whatever is wrong must not fill the audit log.
    func tick(now: Milliseconds) async throws {
        guard let maker, state.withLock({ $0.running == nil }) else { return }
        _ = try await device.run { [self] in try look(maker) }
        let (known, isBusy) = state.withLock { ($0.known, $0.running != nil) }
        guard settings.intervalHours > 0, !isBusy else { return }
        // One that a clock made that was ahead says nothing about how old the newest is.
        let newest = known.map(\.createdAt).filter { $0 <= now }.max()
        let interval = Milliseconds(settings.intervalHours) * 3_600_000
        if newest.map({ now - $0 >= interval }) ?? true {
            guard state.withLock({ $0.pause.isOver(at: now) }) else { return }
            _ = try await create(by: nil, now: now)
        } else {
            try await forget(known, maker, now: now)
        }
    }

    private func forget(
        _ known: [BackupManifest], _ maker: BackupMaker, now: Milliseconds
    ) async throws {
        // Those from a time to come go first.
        let automatic = known.filter(\.isAutomatic).sorted {
            ($0.createdAt <= now ? 1 : 0, $0.name) < ($1.createdAt <= now ? 1 : 0, $1.name)
        }.map(\.name)
        guard settings.keep > 0, automatic.count > settings.keep else { return }
        for name in automatic.dropLast(settings.keep) {
            try await recordRemoval(of: name)
            try await device.run {
                // First its name, so that what is half removed is no backup.
                let hidden = "\(maker.directory)/\(BackupMaker.deletedPrefix)\(name)"
                try BackupFiles.rename("\(maker.directory)/\(name)", to: hidden)
                try BackupFiles.sync(directory: maker.directory)
                try BackupFiles.removeTree(hidden)
            }
            state.withLock { _ = $0.removing.remove(name) }
            logger.info("an old backup was removed", metadata: ["backup": "\(name)"])
        }
    }

    /// Before the deed, and once, however often that is tried: a directory that cannot be written
    /// must not fill the audit log.
    private func recordRemoval(of name: String) async throws {
        guard !state.withLock({ $0.removing.contains(name) }) else { return }
        try await audit.append(.server(.backupDeleted, detail: ["backup": name]))
        state.withLock { _ = $0.removing.insert(name) }
    }
}
