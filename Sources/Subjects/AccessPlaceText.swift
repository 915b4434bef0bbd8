import Query
import Store

/// The cursor of an access document: `a1-<stream>-<partition>-<offset>`. It names a place and no
/// person; whoever makes one up gets the same person's events from another place on.
enum AccessPlaceText {
    static func text(_ place: Query.AccessPlace) -> String {
        "a1-\(place.stream)-\(place.partition)-\(place.offset)"
    }

    static func place(_ text: String) -> Query.AccessPlace? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "a1",
            parts[1...].allSatisfy({ part in
                (1...20).contains(part.utf8.count)
                    && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            }), let stream = UInt32(parts[1]), let partition = UInt16(parts[2]),
            let offset = UInt64(parts[3])
        else { return nil }
        return Query.AccessPlace(
            stream: StreamID(rawValue: stream), partition: Int(partition),
            offset: Offset(rawValue: offset))
    }
}
