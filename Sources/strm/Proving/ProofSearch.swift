import Foundation
import Server

/// Looks for everything that a run has marked, and judges what it found.
struct ProofSearch {
    /// A place and what may be in it by right.
    struct Place {
        /// The word for it in the result: `data`, `keyring`, `log` …
        var name: String
        var path: String
        /// Kinds of markers that belong there: what a bucket of opened events holds is released.
        var byRight: Set<LeakMarker.Kind> = []
        /// In it the control must be found, or the search does not see.
        var holdsControl = false
    }

    private(set) var search: LeakSearch
    private(set) var placesSeen: [String: Place] = [:]
    private(set) var process: ProcessLook?
    private(set) var isDumpable: Bool?

    init(_ markers: [LeakMarker]) { search = LeakSearch(markers) }

    /// Each place without those that lie in it.
    mutating func lookAt(_ places: [Place], since: Date?) {
        let paths = Set(places.map(\.path))
        for place in places {
            placesSeen[place.name] = place
            search.search(
                tree: place.path, place: place.name, unchangedSince: since,
                leavingOut: paths.subtracting([place.path]))
        }
    }

    mutating func look(answers: [(name: String, bytes: [UInt8])]) {
        placesSeen["answers"] = Place(name: "answers", path: "")
        for answer in answers {
            search.search(answer.bytes, place: "answers", name: answer.name)
        }
    }

    /// - Parameter isDumpable: what the server says of itself; nil: it was not asked.
    mutating func look(process look: ProcessLook?, isDumpable: Bool?) {
        placesSeen["process"] = Place(name: "process", path: "")
        self.isDumpable = isDumpable
        guard let look else { return }
        for text in look.texts { search.search(text.bytes, place: "process", name: text.name) }
        process = look
    }

    /// Files that the server has open and that lie in none of the places, such as its log, deleted
    /// ones too; and what its user left among the temporary files.
    mutating func lookAround(_ look: ProcessLook?, since: Date?, leavingOut places: [Place]) {
        guard let look else { return }
        let roots = places.map(\.path).filter { !$0.isEmpty }
        placesSeen["open"] = Place(name: "open", path: "")
        for file in look.openFiles
        where !roots.contains(where: { file.name == $0 || file.name.hasPrefix("\($0)/") }) {
            search.search(file: file.path, place: "open", followsLink: true)
        }
        let temporary = look.temporaryDirectory
        guard !roots.contains(temporary) else { return }
        placesSeen["temporary"] = Place(name: "temporary", path: temporary)
        search.search(
            tree: temporary, place: "temporary", unchangedSince: since, leavingOut: Set(roots),
            owner: look.user)
    }

    /// What an earlier search found and looked at.
    mutating func add(_ other: ProofSearch) {
        search.add(other.search)
        placesSeen.merge(other.placesSeen) { mine, _ in mine }
    }

    // MARK: Judging

    /// All that leaked by one path into one kind of place in one form.
    struct Leak: Hashable {
        var path: String
        var kind: LeakMarker.Kind
        var place: String
        var form: LeakForm
        /// Where it was found first.
        var name: String
        var offset: Int
        var isExpanded: Bool
        var count = 1
    }

    /// What nobody should have found. The control is plain by its contract, wherever it is.
    var leaks: [Leak] {
        let hits = search.hits.filter { hit in
            hit.marker.kind != .control
                && placesSeen[hit.place]?.byRight.contains(hit.marker.kind) != true
        }.sorted { ($0.name, $0.offset) < ($1.name, $1.offset) }
        var leaks: [[String]: Leak] = [:]
        for hit in hits {
            let key = [hit.marker.path, hit.place, hit.form.rawValue]
            if leaks[key] != nil {
                leaks[key]?.count += 1
            } else {
                leaks[key] = Leak(
                    path: hit.marker.path, kind: hit.marker.kind, place: hit.place, form: hit.form,
                    name: hit.name, offset: hit.offset, isExpanded: hit.isExpanded)
            }
        }
        return leaks.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    /// Markers found where they belong, by place.
    var released: [String: Int] {
        var counts: [String: Int] = [:]
        for (name, place) in placesSeen {
            let found = search.hits.filter {
                $0.place == name && place.byRight.contains($0.marker.kind)
            }
            if !found.isEmpty { counts[name] = Set(found.map(\.marker)).count }
        }
        return counts
    }

    /// Files in which a control was found, by the ends of their names: `sst`, `log` (RocksDB's
    /// write-ahead log) …
    var controls: [String: Int] {
        var counts: [String: Int] = [:]
        for hit in search.hits where hit.marker.kind == .control {
            let end = URL(filePath: hit.name).pathExtension
            counts["\(hit.place).\(end.isEmpty ? "other" : end)", default: 0] += 1
        }
        return counts
    }

    /// Why nothing found would not mean that nothing is there.
    /// - Parameter needsTables: also a control in a table of the store, not only in its log.
    func doubts(needsTables: Bool) -> [String] {
        var doubts: [String] = []
        let controls = controls
        for place in placesSeen.values.sorted(by: { $0.name < $1.name }) where place.holdsControl {
            guard controls.keys.contains(where: { $0.hasPrefix("\(place.name).") }) else {
                doubts.append("the control was not found in \(place.name)")
                continue
            }
            if needsTables, place.name == "data", controls["data.sst"] == nil {
                doubts.append("the control was not found in a table of the store")
            }
        }
        for (name, tally) in search.tallies.sorted(by: { $0.key < $1.key }) {
            if !tally.unreadable.isEmpty {
                doubts.append("\(tally.unreadable.count) files of \(name) could not be read")
            }
            if tally.files + tally.unchanged == 0, placesSeen[name]?.holdsControl == true {
                doubts.append("there are no files in \(name)")
            }
        }
        guard let process else { return doubts + ["the server's process could not be looked at"] }
        if !process.isServer { doubts.append("process \(process.identifier) is no strm serve") }
        if process.settings["coreLimit"] != "0" {
            doubts.append("the kernel may write a core file of the server")
        }
        let swapped = process.settings["swappedKiB"] ?? "0"
        if !["0", "unknown"].contains(swapped) {
            doubts.append("\(swapped) KiB of the server's memory are in swap, not searched")
        }
        if isDumpable != false { doubts.append("the server's memory may be dumped") }
        return doubts
    }
}

extension ProofSearch.Place {
    /// What a run exports below the directory for local buckets, and all else in that.
    static func bucket(_ directory: String, _ run: ProofRun) -> [ProofSearch.Place] {
        let mine = "\(directory)/\(ProofRun.bucket)/\(run.name)"
        return [
            .init(name: "bucket", path: directory),
            .init(name: "bucket.sealed", path: "\(mine)/sealed", holdsControl: true),
            .init(name: "bucket.keys", path: "\(mine)/keys", byRight: [.key]),
            .init(
                name: "bucket.opened", path: "\(mine)/opened", byRight: [.personal],
                holdsControl: true),
        ]
    }
}
