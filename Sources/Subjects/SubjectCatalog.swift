package import Store

/// What the answers about a person need of the catalog, as of one moment.
package struct SubjectCatalog: Sendable {
    package var streams: [StreamDefinition]
    package var purposes: [PurposeRecord]
    /// Streams that are there no more, and derived ones, of which nobody is on record: what was
    /// handed out of a stream is still asked for when it is deleted.
    package var formerStreams: [StreamID]

    package init(
        streams: [StreamDefinition], purposes: [PurposeRecord], formerStreams: [StreamID] = []
    ) {
        self.streams = streams.sorted { $0.id < $1.id }
        self.purposes = purposes.sorted { $0.level < $1.level }
        self.formerStreams = formerStreams
    }

    /// The streams of these names, or all.
    func streams(named names: [String]?) throws(SubjectError) -> [StreamDefinition] {
        guard let names else { return streams }
        var chosen: [StreamDefinition] = []
        for name in Set(names).sorted() {
            guard let stream = streams.first(where: { $0.name == name }) else {
                throw .unknownStream
            }
            chosen.append(stream)
        }
        return chosen.sorted { $0.id < $1.id }
    }

    func name(of stream: StreamID) -> String? {
        streams.first { $0.id == stream }?.name
    }
}
