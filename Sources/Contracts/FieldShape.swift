/// Where the values of some paths stand in the stored JSON of a contract's events.
///
/// A small graph that says for each object and list which members lead on, and a scanner that
/// follows it over canonical JSON. Immutable; finding allocates nothing.
package final class FieldShape: Sendable {
    /// A place of the schema on the way to a path's values.
    struct Node: Sendable {
        /// The path's number, if its values stand here: scalars, and also whole objects and lists
        /// if the node does not lead on into them.
        var tag: Int?
        /// Members of an object, by their names in escaped form.
        var members: [(name: [UInt8], node: Int)] = []
        /// All other members of an object: the values of a map.
        var others: Int?
        /// Others are followed only in an object that has none of `members`.
        var othersAreRest = false
        var items: Int?

        var leadsIntoObjects: Bool { others != nil || !members.isEmpty }
    }

    /// The first is the event.
    let nodes: [Node]

    init(nodes: [Node]) {
        self.nodes = nodes
    }

    /// A path, and the number that its values are found under.
    package typealias TaggedPath = (path: String, tag: Int)

    /// The shape of events whose schema says nothing of members: an object with the path's next
    /// step is taken for a record, one without it for a map, and a list takes no step.
    package convenience init(withoutSchema paths: [TaggedPath]) {
        var nodes = Self.event
        for (path, tag) in paths {
            var at = 0
            for step in Self.steps(path) {
                if step == "*" {
                    let next = nodes.count
                    nodes.append(Node())
                    nodes[at].others = next
                    nodes[at].items = next
                    at = next
                    continue
                }
                let name = Self.escaped(step)
                if nodes[at].others == nil {
                    nodes[at].others = at
                    nodes[at].othersAreRest = true
                }
                if nodes[at].items == nil { nodes[at].items = at }
                if let known = nodes[at].members.first(where: { $0.name == name }) {
                    at = known.node
                } else {
                    nodes.append(Node())
                    nodes[at].members.append((name, nodes.count - 1))
                    at = nodes.count - 1
                }
            }
            nodes[at].tag = tag
            // Lists and maps of the path's values.
            if nodes[at].others == nil { nodes[at].others = at }
            if nodes[at].items == nil { nodes[at].items = at }
        }
        self.init(nodes: nodes)
    }

    /// An event, none of whose paths lead into `strmMeta`.
    static let event = [Node(members: [(escaped("strmMeta"), 1)]), Node()]

    static func steps(_ path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// A name as canonical JSON holds it.
    static func escaped(_ name: String) -> [UInt8] {
        Array(name.utf8).withUnsafeBytes { raw in
            var output = [UInt8](repeating: 0, count: JSONText.escapedCount(raw))
            output.withUnsafeMutableBytes { _ = JSONText.escape(raw, into: $0) }
            return output
        }
    }

    /// Gives the values of the paths: their bytes in `json`, quotes included, ascending, and the
    /// tag. A path may have no value, or many. Cost: one look at each byte.
    ///
    /// - Returns: false if the text is not canonical JSON, or deeper than events are: then some
    ///   values may not have been given.
    package func find(
        in json: UnsafeRawBufferPointer, _ body: (_ place: Range<Int>, _ tag: Int) -> Void
    ) -> Bool {
        var scanner = Scanner(json: json, nodes: nodes)
        return scanner.value(0, depth: 0, body) && scanner.isAtEnd
    }
}

/// Follows the shape over the text.
private struct Scanner {
    let json: UnsafeRawBufferPointer
    let nodes: [FieldShape.Node]
    var at = 0

    var isAtEnd: Bool { at == json.count }

    typealias Body = (Range<Int>, Int) -> Void

    mutating func value(_ node: Int, depth: Int, _ body: Body) -> Bool {
        guard depth <= EventLimits.depthMax, at < json.count else { return false }
        switch json[at] {
        case UInt8(ascii: "{") where nodes[node].leadsIntoObjects:
            return object(node, depth: depth, body)
        case UInt8(ascii: "[") where nodes[node].items != nil:
            return list(node, depth: depth, body)
        default:
            let start = at
            guard skip() else { return false }
            if let tag = nodes[node].tag { body(start..<at, tag) }
            return true
        }
    }

    private mutating func object(_ node: Int, depth: Int, _ body: Body) -> Bool {
        var follows = nodes[node].others
        if nodes[node].othersAreRest, hasMember(of: node) { follows = nil }
        at += 1
        if take(UInt8(ascii: "}")) { return true }
        while true {
            let start = at + 1
            guard skipString() else { return false }
            let name = start..<(at - 1)
            guard take(UInt8(ascii: ":")) else { return false }
            let next = child(node, name) ?? follows
            let isRead =
                if let next { value(next, depth: depth + 1, body) } else { skip() }
            guard isRead else { return false }
            if take(UInt8(ascii: "}")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    private mutating func list(_ node: Int, depth: Int, _ body: Body) -> Bool {
        guard let items = nodes[node].items else { return false }
        at += 1
        if take(UInt8(ascii: "]")) { return true }
        while true {
            guard value(items, depth: depth + 1, body) else { return false }
            if take(UInt8(ascii: "]")) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    private func child(_ node: Int, _ name: Range<Int>) -> Int? {
        for member in nodes[node].members
        where member.name.count == name.count && json[name].elementsEqual(member.name) {
            return member.node
        }
        return nil
    }

    /// Whether the object at hand has a member that the node names. Looks ahead.
    private func hasMember(of node: Int) -> Bool {
        var ahead = self
        ahead.at += 1
        while ahead.at < json.count, json[ahead.at] == UInt8(ascii: "\"") {
            let start = ahead.at + 1
            guard ahead.skipString() else { return false }
            if child(node, start..<(ahead.at - 1)) != nil { return true }
            guard ahead.take(UInt8(ascii: ":")), ahead.skip() else { return false }
            _ = ahead.take(UInt8(ascii: ","))
        }
        return false
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < json.count, json[at] == byte else { return false }
        at += 1
        return true
    }

    /// Passes over a value of any kind.
    private mutating func skip() -> Bool {
        var depth = 0
        repeat {
            guard at < json.count else { return false }
            switch json[at] {
            case UInt8(ascii: "\""): guard skipString() else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                at += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { return false }
                at += 1
            default: skipWord()
            }
        } while depth > 0
        return depth == 0
    }

    /// A number, true, false or null.
    private mutating func skipWord() {
        while at < json.count {
            switch json[at] {
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"), UInt8(ascii: "]"),
                UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""):
                return
            default: at += 1
            }
        }
    }

    private mutating func skipString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while at < json.count {
            switch json[at] {
            case UInt8(ascii: "\\"): at += 2
            case UInt8(ascii: "\""):
                at += 1
                return true
            default: at += 1
            }
        }
        return false
    }
}
