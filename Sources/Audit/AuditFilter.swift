package import Store

/// Which entries are wanted: those that agree with every member that is not nil. Names are compared
/// exactly.
package struct AuditFilter: Sendable, Hashable {
    /// Not earlier than this.
    package var from: Milliseconds?
    /// Earlier than this.
    package var to: Milliseconds?
    package var act: Act?
    /// One of these; empty: any.
    package var acts: [Act] = []
    package var client: String?
    package var stream: String?
    package var derivedStream: String?
    /// A field that the entry names: one that was opened, or that a contract makes personal. An entry whose list of fields was cut counts as one that holds it.
    /// Always as entries name it, see `fieldName`.
    package var field: String? {
        didSet { field = field.map { Self.fieldName($0) } }
    }
    package var purpose: Int?
    /// Entries of acts that open fields of every purpose agree with any `purpose`.
    var isOpenToAllPurposes = false

    package init(
        from: Milliseconds? = nil, to: Milliseconds? = nil, act: Act? = nil, client: String? = nil,
        stream: String? = nil, derivedStream: String? = nil, field: String? = nil,
        purpose: Int? = nil
    ) {
        self.from = from
        self.to = to
        self.act = act
        self.client = client
        self.stream = stream
        self.derivedStream = derivedStream
        self.field = field.map { Self.fieldName($0) }
        self.purpose = purpose
    }

    /// A path as entries hold it: contracts spell a step into a list or a map `*`, entries leave such
    /// steps out, and cut what is longer than 256 bytes.
    package static func fieldName(_ path: String) -> String { LeafText.name(wholeFieldName(path)) }

    /// The same, not cut: as what lies beside an entry holds it.
    static func wholeFieldName(_ path: String) -> String {
        guard path.utf8.contains(0x2A) else { return path }
        return path.split(separator: "/", omittingEmptySubsequences: false)
            .filter { $0 != "*" }.joined(separator: "/")
    }
}
