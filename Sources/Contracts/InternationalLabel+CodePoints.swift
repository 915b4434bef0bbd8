// Which code points a label may have: RFC 5892. The properties are those of the Unicode version that
// Swift's library knows, so that new letters come with it.

extension InternationalLabel {
    static func isAllowed(_ text: UnsafeBufferPointer<UInt32>) -> Bool {
        guard let first = text.first, text.contains(where: { $0 >= 0x80 }) else { return false }
        let hyphen = UInt32(UInt8(ascii: "-"))
        guard first != hyphen, text[text.count - 1] != hyphen, !isMark(first),
            text.count < 4 || text[2] != hyphen || text[3] != hyphen
        else { return false }
        for index in text.indices where !isAllowed(text, index) { return false }
        return true
    }

    private static func isAllowed(_ text: UnsafeBufferPointer<UInt32>, _ index: Int) -> Bool {
        let point = text[index]
        switch point {
        // Appendix A.1 to A.9: what may stand only beside or together with others.
        case 0x200c: return isViramaBefore(text, index) || isBetweenJoining(text, index)
        case 0x200d: return isViramaBefore(text, index)
        case 0xb7:
            return index > 0 && index + 1 < text.count && text[index - 1] == 0x6c
                && text[index + 1] == 0x6c
        case 0x375: return index + 1 < text.count && isGreek(text[index + 1])
        case 0x5f3, 0x5f4: return index > 0 && isHebrew(text[index - 1])
        case 0x30fb: return text.contains(where: isJapanese)
        case 0x660...0x669: return !text.contains { (0x6f0...0x6f9).contains($0) }
        case 0x6f0...0x6f9: return !text.contains { (0x660...0x669).contains($0) }
        // §2.6: exceptions.
        case 0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007: return true
        case 0x640, 0x7fa, 0x302e, 0x302f, 0x3031...0x3035, 0x303b: return false
        // §2.9: old Hangul jamo.
        case 0x1100...0x11ff, 0xa960...0xa97c, 0xd7b0...0xd7fb: return false
        // §2.8: blocks of marks for symbols and of musical notes.
        case 0x20d0...0x20ff, 0x1d100...0x1d24f: return false
        default: return isLetterOrDigit(point)
        }
    }

    /// §2.1 and §2.2: a letter, digit or mark that case folding and normalisation leave alone.
    private static func isLetterOrDigit(_ point: UInt32) -> Bool {
        if point < 0x80 {
            let byte = UInt8(truncatingIfNeeded: point)
            return StringFormat.isLetter(byte) && byte & 0x20 != 0 || StringFormat.isDigit(byte)
                || byte == UInt8(ascii: "-")
        }
        guard let properties = Unicode.Scalar(point)?.properties,
            !properties.changesWhenNFKCCaseFolded, !properties.isDefaultIgnorableCodePoint
        else { return false }
        switch properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .otherLetter, .modifierLetter, .decimalNumber,
            .nonspacingMark, .spacingMark:
            return true
        default: return false
        }
    }

    private static func isMark(_ point: UInt32) -> Bool {
        switch Unicode.Scalar(point)?.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    private static func isViramaBefore(_ text: UnsafeBufferPointer<UInt32>, _ index: Int) -> Bool {
        guard index > 0, let before = Unicode.Scalar(text[index - 1]) else { return false }
        return before.properties.canonicalCombiningClass.rawValue == 9
    }

    /// Appendix A.1's expression on joining types, which Swift's library does not have: letters of
    /// the scripts that join stand for them, transparent marks are passed over.
    private static func isBetweenJoining(
        _ text: UnsafeBufferPointer<UInt32>, _ index: Int
    ) -> Bool {
        let before = text[..<index].last { !isMark($0) }
        let after = text[(index + 1)...].first { !isMark($0) }
        guard let before, let after else { return false }
        return isJoining(before) && !isRightJoining(before) && isJoining(after)
    }

    /// Arabic, Syriac, Mandaic and N'Ko letters.
    private static func isJoining(_ point: UInt32) -> Bool {
        switch point {
        case 0x620...0x64a, 0x66e...0x6d3, 0x6fa...0x6ff, 0x710...0x72f, 0x74d...0x77f,
            0x7ca...0x7ea, 0x840...0x858, 0x860...0x86a, 0x8a0...0x8c7:
            return point != 0x621 && point != 0x674
        default: return false
        }
    }

    /// The common Arabic letters that join to the letter before them only.
    private static func isRightJoining(_ point: UInt32) -> Bool {
        switch point {
        case 0x622...0x625, 0x627, 0x629, 0x62f...0x632, 0x648, 0x671...0x673, 0x675...0x677,
            0x688...0x699, 0x6c0, 0x6c3...0x6cb, 0x6cd, 0x6cf, 0x6d2, 0x6d3:
            return true
        default: return false
        }
    }

    private static func isGreek(_ point: UInt32) -> Bool {
        switch point {
        case 0x370...0x373, 0x375...0x377, 0x37a...0x37d, 0x37f, 0x384, 0x386, 0x388...0x3e1,
            0x3f0...0x3ff, 0x1f00...0x1fff:
            return true
        default: return false
        }
    }

    private static func isHebrew(_ point: UInt32) -> Bool {
        (0x591...0x5f4).contains(point) || (0xfb1d...0xfb4f).contains(point)
    }

    /// Hiragana, Katakana or Han.
    private static func isJapanese(_ point: UInt32) -> Bool {
        switch point {
        case 0x3041...0x3096, 0x309d...0x309f, 0x30a1...0x30fa, 0x30fd...0x30ff, 0x31f0...0x31ff,
            0x3005, 0x3007, 0x3021...0x3029, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xf900...0xfaff,
            0x20000...0x323af:
            return true
        default: return false
        }
    }
}
