extension JSONSchemaProgram {
    /// A pointer in the schema's own words: names that it has stay, all else (indexes of lists, names
    /// that the sender chose) becomes `*`. Allocates: for refusals.
    func place(of pointer: String) -> String {
        pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { token in
            // A number may be the index of a list as well as a name.
            let isKnown = Int(token) == nil && knows(JSONPointer.unescape(String(token)))
            return isKnown ? "/\(token)" : "/*"
        }.joined()
    }
}
