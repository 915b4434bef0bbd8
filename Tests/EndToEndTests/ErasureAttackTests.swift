import Foundation
import Testing

extension EndToEnd {
    /// Copies of the whole disk from every moment around an erasure, and everything that is there
    /// after it, in the hands of somebody who has our program.
    @Suite("The attacker who has all copies from before an erasure", .timeLimit(.minutes(3)))
    struct ErasureAttacks {
        @Test("every backup, image and escrow, with all of today's secrets: not one field")
        func renewed() async throws {
            let site = try await Imaged.throughErasure(renewsMasterKey: true)
            let outcome = try site.attacks()
            print("attack: \(Self.figures(outcome)), opened: \(outcome.opened.sorted())")
            Self.expectsPersonFound(outcome)
            #expect(outcome.openedOfPerson == 0)
            // The same program, with today's keys, on those who were not erased.
            #expect(outcome.openedOfOthers == 2 * Imaged.others)
            #expect(outcome.combinations >= site.loot.copies.count)
            try site.expectsNoMasterKeyInImages()
            try includesMasterKey(site)
        }

        /// The honest limit: THREATS.md, "Snapshots of the whole machine".
        private func includesMasterKey(_ site: Imaged) throws {
            var loot = site.loot
            try loot.takesMasterKeys(in: site.oldMasterKeys, "image")
            let outcome = try site.attacks(with: loot)
            print("with the old master key: \(Self.figures(outcome))")
            Self.expectsPersonFound(outcome)
            #expect(outcome.openedOfPerson == outcome.fieldsOfPerson)
        }

        @Test("the control: with one master key for ever, the same program opens every field")
        func control() async throws {
            let site = try await Imaged.throughErasure(renewsMasterKey: false)
            let outcome = try site.attacks()
            print("attack on one master key: \(Self.figures(outcome))")
            Self.expectsPersonFound(outcome)
            #expect(outcome.openedOfPerson == outcome.fieldsOfPerson)
            #expect(outcome.openedOfOthers == 2 * Imaged.others)
            // Today's keyring alone opens none of them, whatever is tried with it.
            var today = site.loot
            today.keyrings = today.keyrings.filter { $0.name.hasPrefix("today") }
            let without = try site.attacks(with: today)
            #expect(without.openedOfPerson == 0)
            #expect(without.openedOfOthers == 2 * Imaged.others)
        }

        /// All that is hers was looked at, as the index of the copies leads to it.
        private static func expectsPersonFound(_ outcome: Attacker.Outcome) {
            #expect(outcome.links.count == Imaged.sessions)
            #expect(outcome.fieldsOfPerson == 2 * 2 * Imaged.sessions)
        }

        private static func figures(_ outcome: Attacker.Outcome) -> String {
            "\(outcome.tries) tries of a keyring with a key, \(outcome.opened.count) opened, "
                + "\(outcome.combinations) combinations with a database, "
                + "\(outcome.dataKeys) data keys, "
                + "\(outcome.openedOfPerson) of \(outcome.fieldsOfPerson) fields of the person, "
                + "\(outcome.openedOfOthers) of others"
        }
    }
}
