/// Invented visitors of an invented shop: events of the contract example/clickstream/1.0.0
/// (Examples/contracts/clickstream.json). The same seed gives the same events.
struct Clickstream {
    static let contract = "example/clickstream/1.0.0"

    private var random: SplitMix64
    private let contractRef: String
    private let sessionCount: Int
    private let mix: ConsentMix
    private var sessions: [Session] = []

    private struct Session {
        var id: String
        var email: String
        var country: String
        var userAgent: String
        var consent: [Int]
        var eventsLeft: Int
    }

    init(seed: UInt64, sessions: Int, mix: ConsentMix, contractRef: String = Self.contract) {
        random = SplitMix64(seed: seed)
        sessionCount = sessions
        self.mix = mix
        self.contractRef = contractRef
    }

    /// One event, JSON on one line, about 430 bytes. Visits end after a while and new ones begin.
    mutating func next() -> String {
        if sessions.count < sessionCount { sessions.append(newSession()) }
        let index = Int.random(in: 0..<sessions.count, using: &random)
        if sessions[index].eventsLeft == 0 { sessions[index] = newSession() }
        sessions[index].eventsLeft -= 1
        let session = sessions[index]
        let page = Self.pages.randomElement(using: &random) ?? "/"
        let type = Self.eventTypes.randomElement(using: &random) ?? "page_view"
        let referrer = Self.referrers.randomElement(using: &random) ?? ""
        let variant = Bool.random(using: &random) ? "a" : "b"
        return """
            {"strmMeta":{"eventContractRef":"\(contractRef)",\
            "consentLevels":[\(session.consent.map(String.init).joined(separator: ","))]},\
            "producerSessionId":"\(session.id)","url":"https://shop.example.com\(page)",\
            "eventType":"\(type)","referrer":"\(referrer)","userAgent":"\(session.userAgent)",\
            "conversion":\(type == "purchase" ? 1 : 0),\
            "customer":{"email":"\(session.email)","country":"\(session.country)"},\
            "abTests":["checkout-\(variant)"]}
            """
    }

    private mutating func newSession() -> Session {
        let first = Self.firstNames.randomElement(using: &random) ?? "ada"
        let last = Self.lastNames.randomElement(using: &random) ?? "lovelace"
        let number = UInt16.random(in: 0...999, using: &random)
        let id = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
        return Session(
            id: "visit-\(String(repeating: "0", count: 16 - id.count))\(id)",
            email: "\(first).\(last)\(number)@example.com",
            country: Self.countries.randomElement(using: &random) ?? "NL",
            userAgent: Self.userAgents.randomElement(using: &random) ?? "",
            consent: mix.pick(using: &random),
            eventsLeft: Int.random(in: 5...60, using: &random))
    }

    private static let pages = [
        "/", "/search?q=running+shoes", "/product/1042-trail-runner", "/product/2210-rain-jacket",
        "/product/3307-head-torch", "/basket", "/checkout/address", "/checkout/payment", "/account",
    ]
    private static let eventTypes = [
        "page_view", "page_view", "page_view", "button_clicked", "add_to_basket", "purchase",
    ]
    private static let referrers = [
        "https://search.example.net/?q=outdoor", "https://news.example.org/weekend",
        "https://shop.example.com/",
    ]
    private static let userAgents = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 Safari/605.1.15",
    ]
    private static let firstNames = [
        "ada", "alan", "barbara", "donald", "edsger", "frances", "grace", "hedy", "katherine",
        "ken", "margaret", "radia", "sofia", "tim",
    ]
    private static let lastNames = [
        "jansen", "de.vries", "bakker", "visser", "smit", "meijer", "mulder", "bos", "vos",
        "peters", "hendriks", "dekker",
    ]
    private static let countries = ["NL", "BE", "DE", "FR", "DK", "PT"]
}

/// How many visitors of a hundred consent to what, such as `none:20,0:20,0-1:30,0-1-4:30`.
struct ConsentMix: Sendable, Equatable {
    private struct Share: Sendable, Equatable {
        var levels: [Int]
        var weight: Int
    }

    private var shares: [Share] = []
    private var total = 0

    static let standard = "none:15,0:15,0-1:40,0-1-4:30"

    /// nil unless `text` is a list of `levels:weight`: levels are numbers from 0 to 63 joined by
    /// `-`, or `none`; a weight is a number from 1 to 1,000,000.
    init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: ":", omittingEmptySubsequences: false)
            guard words.count == 2, let weight = Int(words[1]), (1...1_000_000).contains(weight)
            else { return nil }
            var levels: [Int] = []
            if words[0] != "none" {
                for word in words[0].split(separator: "-", omittingEmptySubsequences: false) {
                    guard let level = Int(word), (0...63).contains(level) else { return nil }
                    levels.append(level)
                }
            }
            shares.append(Share(levels: levels, weight: weight))
            total += weight
        }
    }

    func pick(using random: inout SplitMix64) -> [Int] {
        var number = Int.random(in: 0..<total, using: &random)
        for share in shares {
            if number < share.weight { return share.levels }
            number -= share.weight
        }
        return []
    }
}

/// A small generator whose sequence is the same on every machine (Steele, Lea, Flood 2014,
/// "Fast splittable pseudorandom number generators"). Not for anything secret.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
