/// The table of ARCHITECTURE.md's section "The map": what each module may import.
///
///     ## The map
///     | module | imports (ours) | outside packages | holds | must never |
///     |---|---|---|---|---|
///     | CRocksDB, COpenSSL | – | – | … | … |
///     | Store | CRocksDB, Contracts | – | … | … |
struct ModuleMap {
    struct Row {
        var ours: Set<String>
        var outside: Set<String>
    }

    private(set) var rows: [String: Row] = [:]
    /// Rows that cannot be read; the map is refused while there are any.
    private(set) var problems: [String] = []

    /// What comes with Swift and the system: free to all.
    static let system: Set = [
        "Swift", "Synchronization", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin",
        "Dispatch",
    ]

    init(markdown: String) {
        var isInSection = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") {
                isInSection = line.drop { $0 == "#" || $0 == " " }.lowercased() == "the map"
            }
            guard isInSection, line.hasPrefix("|") else { continue }
            let cells = line.dropFirst().split(separator: "|", omittingEmptySubsequences: false)
                .dropLast().map { Self.names($0) }
            if cells.first == ["module"] || cells.first?.first?.hasPrefix("---") == true {
                continue
            }
            guard cells.count == 5, let modules = cells.first, !modules.isEmpty else {
                problems.append("a row of the map has not five cells: \(line)")
                continue
            }
            for module in modules {
                if rows[module] != nil { problems.append("\(module) has two rows in the map") }
                rows[module] = Row(ours: Set(cells[1]), outside: Set(cells[2]))
            }
        }
        if rows.isEmpty {
            problems.append("ARCHITECTURE.md has no section \"The map\" with a table")
        }
        for (module, row) in rows {
            for name in row.ours where rows[name] == nil {
                problems.append("the map lets \(module) import \(name), which has no row")
            }
            for name in row.outside where rows[name] != nil {
                problems.append("the map calls \(name) an outside package of \(module)")
            }
        }
        problems.sort()
    }

    /// A cycle of arrows, if there is one.
    var cycle: [String]? {
        var done: Set<String> = []
        func walk(_ module: String, _ path: [String]) -> [String]? {
            if let start = path.firstIndex(of: module) { return Array(path[start...]) + [module] }
            if done.contains(module) { return nil }
            for next in (rows[module]?.ours ?? []).sorted() {
                if let found = walk(next, path + [module]) { return found }
            }
            done.insert(module)
            return nil
        }
        for module in rows.keys.sorted() {
            if let found = walk(module, []) { return found }
        }
        return nil
    }

    private static func names(_ cell: Substring) -> [String] {
        cell.split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } }
            .filter { !$0.isEmpty && $0 != "–" && $0 != "-" }
    }
}
