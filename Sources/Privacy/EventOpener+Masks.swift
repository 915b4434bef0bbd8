import Contracts

extension EventOpener {
    /// Appends the event with its edits made, and all else as it is. What is opened only to be
    /// hashed never reaches `output`.
    ///
    /// - Parameters:
    ///   - edits: ascending, inside `json`, none within another.
    ///   - functions: by the edits' `mask`.
    ///   - key: the 64 bytes of the event's data key; nil if no edit is of a sealed value.
    /// - Throws: why a field cannot be opened; `output` is then as it was before.
    package func edit(
        json: UnsafeRawBufferPointer, edits: UnsafeBufferPointer<FieldEdit>,
        functions: [MaskFunction], key: (bytes: UnsafeRawBufferPointer, id: UInt32)?,
        into output: inout ByteBuilder
    ) throws(OpenError) {
        let countBefore = output.count
        if let key { cipher.setKey(key.bytes, keyID: key.id) }
        do throws(OpenError) {
            var copiedTo = 0
            for edit in edits {
                let start = Int(edit.start)
                let end = start + Int(edit.length)
                guard start >= copiedTo, end <= json.count,
                    edit.flags & ~SealedSpanValue.randomFlag == 0,
                    edit.kind == .maskPlain || key != nil
                else { throw .malformed }
                output.append(UnsafeRawBufferPointer(rebasing: json[copiedTo..<start]))
                let text = UnsafeRawBufferPointer(rebasing: json[start..<end])
                try append(edit, text, functions, to: &output)
                copiedTo = end
            }
            output.append(UnsafeRawBufferPointer(rebasing: json[copiedTo...]))
        } catch {
            output.truncate(to: countBefore)
            throw error
        }
    }

    private func append(
        _ edit: FieldEdit, _ text: UnsafeRawBufferPointer, _ functions: [MaskFunction],
        to output: inout ByteBuilder
    ) throws(OpenError) {
        let isRandom = edit.flags & SealedSpanValue.randomFlag != 0
        switch edit.kind {
        case .open: try appendOpened(text, isRandom: isRandom, to: &output)
        case .maskSealed:
            let value = try opened(text, isRandom: isRandom)
            appendHash(of: value, functions[Int(edit.mask)], to: &output)
        case .maskPlain: appendMasked(text, functions[Int(edit.mask)], to: &output)
        }
    }

    /// A JSON value in clear: the hash of a string is of what it says, not of its escapes.
    private func appendMasked(
        _ text: UnsafeRawBufferPointer, _ function: MaskFunction, to output: inout ByteBuilder
    ) {
        let quote = UInt8(ascii: "\"")
        guard text.first != UInt8(ascii: "n") else { return output.append(text) }
        output.append(byte: quote)
        appendHash(of: value(ofPlain: text), function, to: &output)
        output.append(byte: quote)
    }

    private func appendHash(
        of value: UnsafeRawBufferPointer, _ function: MaskFunction, to output: inout ByteBuilder
    ) {
        let count = function.digitCount
        function.write(value, into: output.reserve(count))
        output.advance(count)
    }
}

/// Hashes of single values, for whoever counts them and must not see them.
extension EventOpener {
    /// Adds a sealed value to the message of `hash`: its length (8 bytes), then its bytes. The value
    /// itself is not given out.
    /// - Parameter text: the bytes between the quotes.
    package func addSealed(
        _ text: UnsafeRawBufferPointer, flags: UInt8,
        key: (bytes: UnsafeRawBufferPointer, id: UInt32), to hash: ValueHash
    ) throws(OpenError) {
        guard flags & ~SealedSpanValue.randomFlag == 0 else { throw .malformed }
        cipher.setKey(key.bytes, keyID: key.id)
        add(try opened(text, isRandom: flags & SealedSpanValue.randomFlag != 0), to: hash)
    }

    /// The same for a JSON value in clear.
    package func addPlain(_ text: UnsafeRawBufferPointer, to hash: ValueHash) {
        add(value(ofPlain: text), to: hash)
    }

    private func add(_ value: UnsafeRawBufferPointer, to hash: ValueHash) {
        withUnsafeBytes(of: UInt64(value.count).bigEndian) { hash.update($0) }
        hash.update(value)
    }

    /// What a JSON value says: a string's UTF-8, else its canonical text. Valid until the next call
    /// of this opener.
    private func value(ofPlain text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else { return text }
        let inner = UnsafeRawBufferPointer(rebasing: text[1..<(text.count - 1)])
        let room = UnsafeMutableRawBufferPointer(
            start: plaintext.reserve(inner.count), count: inner.count)
        let count = JSONText.unescape(inner, into: room)
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
    }
}
