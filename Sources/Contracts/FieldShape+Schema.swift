extension FieldShape {
    /// The shape of events of a JSON Schema: the places that ``SchemaMarker`` finds for the paths of
    /// rules too. nil: no path leads anywhere.
    ///
    /// A path that has come to lead to an object, or that needs too much looking, cannot be placed:
    /// then all paths are followed by their names alone, which finds all of their values and may
    /// find more. Cost: linear in the schema and the paths, both bounded.
    convenience init?(_ program: JSONSchemaProgram, root: Int, _ paths: [TaggedPath]) {
        var marker = SchemaMarker(program.parts, root: root)
        do throws(ContractError) {
            for (path, tag) in paths {
                let known = marker.rules.count
                do throws(ContractError) {
                    try marker.mark(path, for: .mention, pointer: "")
                } catch {
                    guard error.rule == "unknown-path" || error.rule == "path" else { throw error }
                }
                // The tag stands where validations would; merging places copies it.
                for index in known..<marker.rules.count { marker.rules[index].checks = [tag] }
            }
            try marker.finish(pointer: "")
        } catch {
            self.init(withoutSchema: paths)
            return
        }
        guard !marker.rules.isEmpty else { return nil }
        self.init(nodes: Self.nodes(marker))
    }

    /// Place 1 of the trie is the event; lists are at the place of their items.
    private static func nodes(_ marker: SchemaMarker) -> [Node] {
        var nodes = marker.places.dropFirst().enumerated().map { index, place in
            var node = Node()
            node.tag = place.rules.flatMap { marker.rules[$0].checks.first }
            node.members = place.names.sorted { $0.value < $1.value }
                .map { (escaped(String(decoding: $0.key, as: UTF8.self)), $0.value - 1) }
            node.others = place.others.map { $0 - 1 }
            node.items = index
            return node
        }
        nodes.append(Node())
        nodes[0].members.removeAll { $0.name == escaped("strmMeta") }
        nodes[0].members.append((escaped("strmMeta"), nodes.count - 1))
        return nodes
    }
}
