import Foundation
import Glibc
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct ErasureCrashTests {
    @Test(
        "a process that is killed before a step leaves it as before or erased, and the next completes",
        arguments: ErasureStep.allCases)
    func killed(_ step: ErasureStep) async throws {
        let site = try ErasureSite()
        let bert = try site.keys(400, of: "bert")
        let anna = try site.keys(3, of: "anna")
        let records = try anna.map { try #require(try site.record(of: $0.link)) }
        site.closes()
        let path = site.path
        let name = step.rawValue
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, name = name as String] in
            let site = ErasureSite(existing: path)
            try site.opens(before: { step throws(VaultError) in
                if step.rawValue == name { kill(getpid(), SIGKILL) }
            })
            try site.erases("anna", id: "e-1")
            _ = try site.vault.destroyErased(now: site.now)
        }
        try site.opens()
        #expect(try site.openable(bert) == 400)
        if step == .appendRequested {
            #expect(try site.openable(anna) == 3)
            #expect(site.vault.erasures.isEmpty)
            try site.erases("anna", id: "e-1")
        }
        #expect(try site.openable(anna) == 0)
        _ = try site.vault.destroyErased(now: site.now)
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
        for (key, record) in zip(anna, records) {
            #expect(try !site.vault.canBeOpened(record, key.link))
        }
        #expect(try site.openable(bert) == 400)
        #expect(site.names(in: "keys") == ["keyring"])
        #expect(!site.names(in: "").contains { $0.hasPrefix("master.key.") })
    }

    @Test("the keyring's writing may die in any of its steps, of any generation of an erasure")
    func keyringSteps() throws {
        for step in KeyringStep.allCases {
            // Generations: the number noted, the successors, and the one without the old keys.
            for generation in 1...3 {
                let site = try ErasureSite()
                let bert = try site.keys(400, of: "bert")
                let anna = try site.keys(3, of: "anna")
                let records = try anna.map { try #require(try site.record(of: $0.link)) }
                let writes = Atomic(0)
                try site.opens(keyring: { now throws(VaultError) in
                    if now == .createNext { writes.add(1, ordering: .relaxed) }
                    if now == step && writes.load(ordering: .relaxed) == generation {
                        throw .keyring("died")
                    }
                })
                do {
                    try site.erases("anna", id: "e-1")
                    _ = try site.vault.destroyErased(now: site.now)
                    #expect(generation == 1, "\(step), generation \(generation)")
                } catch VaultError.keyring("died") {
                    #expect(site.vault.erasure(id: "e-1")?.state == .requested)
                }
                #expect(try site.openable(anna) == 0)
                #expect(try site.openable(bert) == 400, "\(step), generation \(generation)")
                try site.opens()
                _ = try site.vault.destroyErased(now: site.now)
                #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
                for (key, record) in zip(anna, records) {
                    #expect(try !site.vault.canBeOpened(record, key.link))
                }
                #expect(try site.openable(bert) == 400, "\(step), generation \(generation)")
                #expect(!site.names(in: "").contains { $0.hasPrefix("master.key.") })
            }
        }
    }

    @Test("a ledger that has no room refuses the request, and takes the next when there is")
    func noRoom() throws {
        let site = try ErasureSite()
        let anna = try site.keys(3, of: "anna")
        let bert = try site.keys(3, of: "bert")
        try site.erases("anna", id: "e-1")
        // What stands in the file's place cannot be written.
        try FileManager.default.moveItem(
            atPath: site.ledgerFile, toPath: site.ledgerFile + ".away")
        try FileManager.default.createDirectory(
            atPath: site.ledgerFile, withIntermediateDirectories: false)
        #expect(throws: VaultError.self) { try site.erases("bert", id: "e-2") }
        #expect(try site.openable(bert) == 3)
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        try FileManager.default.moveItem(
            atPath: site.ledgerFile + ".away", toPath: site.ledgerFile)
        try site.erases("bert", id: "e-2")
        #expect(try site.openable(anna + bert) == 0)
        try site.opens()
        #expect(site.vault.erasures.count == 2)
    }
}
