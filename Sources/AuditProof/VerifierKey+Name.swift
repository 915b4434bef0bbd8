extension VerifierKey {
    /// The same public key under another name, thus with another key id: an installation signs
    /// different things with one key under different names, so that no text of the one can be taken
    /// for one of the other.
    ///
    /// - Throws: `NoteError.invalidName`.
    package func renamed(_ name: String) throws(NoteError) -> VerifierKey {
        try VerifierKey(name: name, publicKey: publicKey)
    }
}
