package import Store

/// What is read. Where it lies and what may be opened both follow from it.
package enum ReadTarget: Sendable {
    /// Every event as it is stored: sealed.
    case stream(StreamDefinition)
    /// The events whose consent suffices, with the fields of the resulting levels opened.
    case derived(DerivedStreamDefinition, source: StreamDefinition)

    /// The stream that holds the events.
    package var source: StreamDefinition {
        switch self {
        case .stream(let stream): stream
        case .derived(_, let source): source
        }
    }

    /// Nil for a stream itself.
    package var derived: DerivedStreamDefinition? {
        if case .derived(let derived, _) = self { derived } else { nil }
    }
}

extension Query {
    /// Who reads, and what: resolved once from the access token.
    package struct Reader: Sendable {
        /// The client's id and role, as the audit log names them.
        package let client: String
        package let role: String
        package let target: ReadTarget
        /// What else the entry of each release says: for an export its exporter and its object.
        package var detail: [String: String] = [:]

        package init(client: String, role: String, target: ReadTarget) {
            self.client = client
            self.role = role
            self.target = target
        }

        /// The stream that holds the events.
        var source: StreamDefinition { target.source }

        var view: ViewID {
            switch target {
            case .stream(let stream): ViewID(stream: stream.id, derived: nil)
            case .derived(let derived, let source): ViewID(stream: source.id, derived: derived.id)
            }
        }
    }
}
