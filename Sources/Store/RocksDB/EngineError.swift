import CRocksDB

/// Calls a function of the engine that reports failure through its last argument.
@inline(__always)
func callEngine<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) throws(StoreError) -> Result {
    // Starts as nil: the engine frees what it finds there before it writes its own.
    var message: UnsafeMutablePointer<CChar>?
    let result = body(&message)
    if let message { throw StoreError(takingEngineMessage: message) }
    return result
}

extension StoreError {
    /// Frees the message. The prefix of the text is the only code that the C interface gives.
    init(takingEngineMessage message: UnsafeMutablePointer<CChar>) {
        let text = String(cString: message)
        rocksdb_free(message)
        self.init(engineText: text)
    }

    init(engineText text: String) {
        let full = [
            "No space left", "File too large", "Disk quota exceeded", "Space limit reached",
        ]
        if full.contains(where: { text.contains($0) }) {
            self = .diskFull
        } else if text.hasPrefix("Corruption") {
            self = .corrupt(text)
        } else if text.hasPrefix("IO error: While lock file")
            || text.hasPrefix("IO error: lock ")
        {
            self = .locked
        } else {
            self = .io(text)
        }
    }
}
