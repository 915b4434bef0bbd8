import CRE2

/// A contract's regex, compiled by RE2: time linear in the text, at most 1 MiB of memory, no
/// look-around, no back-references.
///
/// A value is valid if the WHOLE value matches. Contracts come from tools whose check is Java's
/// `matches()`, and an author who writes `[0-9]+` means digits and nothing else; a check that
/// looked for some matching part would let everything around it pass. Patterns with `^…$` mean the
/// same either way; who wants a part writes `.*part.*`. As in Java, `.` does not match a line
/// break; `(?s)` changes that.
final class RegularExpression: @unchecked Sendable {
    // Sendable: RE2 objects are immutable to their callers and guard their caches themselves
    // (re2.h: "thread-safe").

    /// RE2's object; valid as long as this one lives.
    let handle: OpaquePointer

    /// Why a pattern was refused, in RE2's words, which quote a part of the pattern.
    struct Refused: Error {
        let reason: String
    }

    /// Longest pattern in bytes, as its author writes it.
    static let patternBytesMax = 1_000

    convenience init(_ pattern: String) throws(Refused) {
        guard pattern.utf8.count <= Self.patternBytesMax else {
            throw Refused(reason: "pattern too long")
        }
        try self.init(translation: pattern)
    }

    /// Of a pattern that was translated from another dialect, which may have made it longer.
    init(translation pattern: String) throws(Refused) {
        var reason = [CChar](repeating: 0, count: 256)
        var pattern = pattern
        let made = pattern.withUTF8 { bytes in
            strm_re2_new(bytes.baseAddress, bytes.count, &reason, reason.count)
        }
        guard let made else {
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw Refused(reason: String(decoding: text, as: UTF8.self))
        }
        handle = made
    }

    /// Instructions of the compiled pattern: what it took to compile it.
    var size: Int { Int(strm_re2_program_size(handle)) }

    deinit {
        strm_re2_free(handle)
    }

    /// Whether all of the UTF-8 text matches. Cost: linear in the text; no allocation in the common
    /// case.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        strm_re2_matches_whole(
            handle, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count)
    }

    /// Whether some part of the text matches.
    func matchesPart(_ text: UnsafeRawBufferPointer) -> Bool {
        strm_re2_matches_part(
            handle, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count)
    }
}
