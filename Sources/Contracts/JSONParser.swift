import CSimdJSON

/// simdjson behind Swift: parses one text at a time into a tape that the next parse overwrites.
///
/// Confined to one thread. Memory: about 12 bytes for each byte of the largest text so far (tape,
/// strings, structural indexes), overwritten with zeros when it is given back, since it held plain
/// text.
final class JSONParser {
    /// Why a text is not JSON.
    enum Failure: Error, Equatable {
        /// Simdjson's constant name of the error, for example `UTF8_ERROR`.
        case malformed(String)
        /// Nested deeper than the limit.
        case tooDeep
        /// The system has no memory for a text of this size.
        case outOfMemory
    }

    private let handle: OpaquePointer
    /// Of the last parse; before the first one a tape that must not be read.
    private(set) var tape: JSONTape
    private var padded: UnsafeMutableRawBufferPointer

    /// Texts nested deeper than `depthMax` lists and objects are refused; an empty one inside is
    /// not counted by simdjson.
    init(depthMax: Int) {
        // simdjson counts one level more than the text has. A new parser has buffers for a few KiB.
        guard let handle = strm_json_parser_new(depthMax + 1), let words = strm_json_tape(handle),
            let strings = strm_json_strings(handle)
        else { preconditionFailure("no memory for a JSON parser") }
        self.handle = handle
        tape = JSONTape(words: words, strings: UnsafeRawPointer(strings))
        padded = .allocate(byteCount: 4_096, alignment: 64)
    }

    deinit {
        strm_json_parser_free(handle)
        wipe(padded)
        padded.deallocate()
    }

    /// Copies the text behind which simdjson may read into a padded buffer of our own and parses
    /// it. The tape is valid until the next parse.
    func parse(_ text: UnsafeRawBufferPointer) throws(Failure) -> JSONTape {
        reserve(text.count + Int(STRM_JSON_PADDING))
        padded.copyMemory(from: text)
        let bytes = padded.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        let code = strm_json_parse(handle, bytes, text.count)
        guard code == 0 else { throw failure(code) }
        guard let words = strm_json_tape(handle), let strings = strm_json_strings(handle) else {
            throw .outOfMemory
        }
        tape = JSONTape(words: words, strings: UnsafeRawPointer(strings))
        return tape
    }

    /// Overwrites the copy of the text.
    private func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
        SecureBytes.wipe(buffer)
    }

    private func reserve(_ count: Int) {
        guard count > padded.count else { return }
        var capacity = padded.count
        while capacity < count { capacity *= 2 }
        wipe(padded)
        padded.deallocate()
        padded = .allocate(byteCount: capacity, alignment: 64)
    }

    private func failure(_ code: Int32) -> Failure {
        if strm_json_error_is_depth(code) { return .tooDeep }
        if strm_json_error_is_memory(code) { return .outOfMemory }
        return .malformed(String(cString: strm_json_error_name(code)))
    }
}
