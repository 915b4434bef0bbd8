import Foundation
import Testing

@testable import Server

@Suite("Client secrets")
struct ClientSecretTests {
    let secrets = ClientSecrets(pepper: [UInt8](repeating: 1, count: 32))

    @Test("a secret is 256 bits in characters that need no escaping, and never the same twice")
    func shape() {
        let made = (0..<1_000).map { _ in ClientSecrets.make() }
        #expect(Set(made).count == made.count)
        for secret in made {
            #expect(secret.count == 43)
            #expect(secret.wholeMatch(of: /[A-Za-z0-9._~-]+/) != nil)
        }
    }

    @Test("only the right secret of the right client under the right pepper matches")
    func matching() {
        let hash = secrets.hash(clientID: "c", secret: "s")
        #expect(secrets.matches(clientID: "c", secret: "s", storedHash: hash))
        #expect(!secrets.matches(clientID: "c", secret: "t", storedHash: hash))
        #expect(!secrets.matches(clientID: "d", secret: "s", storedHash: hash))
        #expect(!secrets.matches(clientID: "c", secret: "", storedHash: hash))
        #expect(!secrets.matches(clientID: "c", secret: "s", storedHash: nil))
        #expect(!secrets.matches(clientID: "c", secret: "s", storedHash: "no base64"))
        let other = ClientSecrets(pepper: [UInt8](repeating: 2, count: 32))
        #expect(!other.matches(clientID: "c", secret: "s", storedHash: hash))
        #expect(
            secrets.hash(clientID: "ab", secret: "c") != secrets.hash(clientID: "a", secret: "bc"))
    }

    @Test("what is stored does not hold the secret")
    func stored() {
        let secret = ClientSecrets.make()
        let hash = secrets.hash(clientID: "c", secret: secret)
        #expect(!hash.contains(secret))
        #expect(Data(base64Encoded: hash)?.count == 32)
    }

    @Test("a flood of refusals takes few entries, and none is lost from the count")
    func budget() {
        let budget = RefusalBudget()
        var own = 0
        for attempt in 0..<10_000 where budget.take(now: Int64(attempt)) { own += 1 }
        #expect(own == 30)
        #expect(budget.takeSuppressed() == 10_000 - own)
        #expect(budget.takeSuppressed() == 0)
        // Ten seconds give one more.
        #expect(budget.take(now: 30_000))
        budget.restore(3)
        #expect(budget.takeSuppressed() == 3)
    }

    @Test("a clock that goes back gives no new allowance")
    func clockBack() {
        let budget = RefusalBudget()
        for _ in 0..<30 { #expect(budget.take(now: 1_000_000)) }
        #expect(!budget.take(now: 0))
        #expect(!budget.take(now: 1_000_000))
        #expect(!budget.take(now: 1_009_999))
        #expect(budget.take(now: 1_010_000))
    }
}
