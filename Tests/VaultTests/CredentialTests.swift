import Testing

@testable import Vault

@Suite struct CredentialTests {
    @Test("a credential opens for its owner alone, and never twice in the same bytes")
    func owner() throws {
        let fixture = try VaultFixture()
        let (vault, now) = (fixture.vault, fixture.clock.now)
        let secret = Array("wJalrXUtnFEMI/K7MDENG".utf8)
        let sealed = try vault.sealCredential(secret, owner: "connector/a", now: now)
        #expect(try vault.openCredential(sealed, owner: "connector/a") == secret)
        #expect(try vault.sealCredential(secret, owner: "connector/a", now: now) != sealed)
        #expect(throws: VaultError.self) {
            try vault.openCredential(sealed, owner: "connector/b")
        }
        #expect(
            try vault.openCredential(
                try vault.sealCredential([], owner: "e", now: now), owner: "e") == [])
    }

    @Test("an altered credential does not open, whichever byte it is")
    func altered() throws {
        let fixture = try VaultFixture()
        let sealed = try fixture.vault.sealCredential(
            Array("secret".utf8), owner: "c", now: fixture.clock.now)
        for index in sealed.indices {
            var other = sealed
            other[index] ^= 1
            #expect(throws: VaultError.self) {
                try fixture.vault.openCredential(other, owner: "c")
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: VaultError.self) {
                try fixture.vault.openCredential(Array(sealed.prefix(count)), owner: "c")
            }
        }
    }

    @Test("the key of the credentials is made once, and is there after a restart")
    func restart() throws {
        let fixture = try VaultFixture()
        let before = fixture.vault.keyring.generation
        let sealed = try fixture.vault.sealCredential([1, 2], owner: "c", now: fixture.clock.now)
        #expect(fixture.vault.keyring.generation == before + 1)
        _ = try fixture.vault.sealCredential([3], owner: "c", now: fixture.clock.now)
        #expect(fixture.vault.keyring.generation == before + 1)
        try fixture.opens()
        #expect(try fixture.vault.openCredential(sealed, owner: "c") == [1, 2])
    }
}
