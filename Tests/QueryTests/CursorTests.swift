import Contracts
import Crypto
import Foundation
import Store
import Testing
import Vault

@testable import Query

@Suite("A cursor", .timeLimit(.minutes(1)))
struct CursorTests {
    private let key = SymmetricKey(data: [UInt8](repeating: 7, count: 32))
    private let view = ViewID(stream: StreamID(rawValue: 7), derived: StreamID(rawValue: 70))

    private func cursor(_ offsets: UInt64...) -> Cursor {
        Cursor(view: view, turn: 0, offsets: offsets.map { Offset(rawValue: $0) })
    }

    private func error(_ text: String) -> CursorError? {
        do throws(CursorError) {
            _ = try Cursor(text, key: key, view: view)
            return nil
        } catch {
            return error
        }
    }

    @Test("comes back as it was, in characters that need no escape in a URL")
    func roundTrip() throws {
        var made = cursor(0, .max, 0x0123_4567_89AB_CDEF)
        made.turn = 2
        let text = made.encoded(key)
        #expect(try Cursor(text, key: key, view: view) == made)
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
    }

    @Test("its layout is the one that is drawn")
    func layout() {
        var made = cursor(1, 2)
        made.turn = 1
        #expect(
            made.payload == [
                1, 0, 0, 0, 0, 7, 0, 0, 0, 70, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                0, 2,
            ])
    }

    @Test("any altered bit is noticed")
    func alteration() throws {
        let text = cursor(5).encoded(key)
        let bytes = try #require(
            Data(
                base64Encoded: text.replacing("-", with: "+").replacing("_", with: "/")
                    + String(repeating: "=", count: (4 - text.count % 4) % 4)))
        for bit in 0..<bytes.count * 8 {
            var altered = bytes
            altered[bit / 8] ^= 1 << (bit % 8)
            let sent = altered.base64EncodedString()
                .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            #expect(error(sent) == (bit < 8 ? .unknownVersion : .notGenuine))
        }
    }

    @Test("made under another key, or for another stream, is refused")
    func foreign() {
        let other = SymmetricKey(data: [UInt8](repeating: 8, count: 32))
        #expect(error(cursor(5).encoded(other)) == .notGenuine)
        for foreign in [
            ViewID(stream: StreamID(rawValue: 7), derived: nil),
            ViewID(stream: StreamID(rawValue: 8), derived: StreamID(rawValue: 70)),
            ViewID(stream: StreamID(rawValue: 7), derived: StreamID(rawValue: 71)),
        ] {
            var made = cursor(5)
            made.view = foreign
            #expect(error(made.encoded(key)) == .otherStream)
        }
    }

    @Test(
        "that is no cursor is refused as malformed",
        arguments: [
            "", "a", "AAAA", "!!!!", "AQAA", "é", "A=A=", "\u{0}", "../../etc/passwd",
            String(repeating: "A", count: 12_000), String(repeating: "=", count: 80),
            String(repeating: "A", count: 61) + " ", "null", "{}",
        ])
    func malformed(text: String) {
        #expect(error(text) == .malformed)
    }

    @Test("100,000 random texts are refused, each with a reason")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = Twister(state: seed)
        let valid = cursor(5).encoded(key)
        let letters = Array("ABCDwxyz0189-_=+/ \u{0}\u{7F}ü")
        for _ in 0..<100_000 {
            var text: [Character] = Bool.random(using: &generator) ? Array(valid) : []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0...text.count, using: &generator)
                text.insert(letters.randomElement(using: &generator) ?? "A", at: place)
            }
            if String(text) != valid {
                #expect(error(String(text)) != nil, "seed \(seed)")
            }
        }
    }

    @Test("beyond the end of the stream is refused by the query")
    func beyondEnd() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let key = SymmetricKey(data: machine.vault.secret(.cursorKey))
        for (offset, isGood) in [(UInt64(1), true), (2, false), (.max, false)] {
            let text = Cursor(
                view: machine.sealedReader.view, turn: 0, offsets: [Offset(rawValue: offset)]
            ).encoded(key)
            if isGood {
                let page = try await machine.query.page(machine.sealedReader, .init(cursor: text))
                #expect(page.count == 0)
            } else {
                await #expect(throws: QueryError.badCursor(.beyondEnd)) {
                    try await machine.query.page(machine.sealedReader, .init(cursor: text))
                }
            }
        }
    }

    @Test("of a stream does not serve for its derived stream, nor the other way round")
    func views() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let sealed = try await machine.query.page(machine.sealedReader, .init())
        let derived = try await machine.query.page(try machine.reader([1]), .init())
        await #expect(throws: QueryError.badCursor(.otherStream)) {
            try await machine.query.page(
                try machine.reader([1]), .init(cursor: sealed.nextCursor))
        }
        await #expect(throws: QueryError.badCursor(.otherStream)) {
            try await machine.query.page(
                machine.sealedReader, .init(cursor: derived.nextCursor))
        }
    }

    @Test("and a named consumer go on after everything was closed and opened again")
    func restart() async throws {
        let data = TestData()
        var machine: Machine? = try Machine(data)
        await machine?.stores((0..<6).map { Event(mark: "\($0)") })
        let reader = try #require(try machine?.reader([1]))
        let first = try #require(try await machine?.query.page(reader, .init(limit: 2)))
        try await machine?.query.commit(reader, consumer: "job", cursor: first.nextCursor)
        machine = nil

        let again = try Machine(data)
        let byCursor = try await again.query.page(
            try again.reader([1]), .init(cursor: first.nextCursor, limit: 2))
        #expect(try byCursor.marks == ["2", "3"])
        let byName = try await again.query.page(
            try again.reader([1]), .init(limit: 3, consumer: "job"))
        #expect(try byName.marks == ["2", "3", "4"])
        #expect(try byName.events[0]["one"] == "one")
    }
}

/// SplitMix64: a seed that is printed gives the same test again.
struct Twister: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
