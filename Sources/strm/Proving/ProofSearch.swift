import Foundation
import Server

/// Looks for everything that a run has marked, and judges what it found.
struct ProofSearch {
    /// A place and what may be in it by right.
    struct Place {
        /// What must be there, or nothing found would mean nothing.
        enum Content {
            /// At least one file that could be looked at.
            case files
            /// The directory; a server that does what it must may leave it empty.
            case directory
            case nothing
        }

        /// The word for it in the result: `data`, `keyring`, `log` …
        var name: String
        var path: String
        /// Kinds of markers that belong there: what a bucket of opened events holds is released.
        var byRight: Set<LeakMarker.Kind> = []
        /// In it the control must be found, or the search does not see.
        var holdsControl = false
        var needs = Content.files
    }

    private(set) var search: LeakSearch
    private(set) var placesSeen: [String: Place] = [:]
    private(set) var process: ProcessLook?
    private(set) var isDumpable: Bool?

    init(_ markers: [LeakMarker]) { search = LeakSearch(markers) }

    /// Each place without those that lie in it.
    mutating func lookAt(_ places: [Place], since: Date?) {
        // Links are followed first: of two names for one directory neither may leave it to the other.
        let paths = Set(places.map { LeakSearch.resolved($0.path) })
        for place in places {
            placesSeen[place.name] = place
            search.search(
                tree: place.path, place: place.name, unchangedSince: since,
                leavingOut: paths.subtracting([LeakSearch.resolved(place.path)]))
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
    /// - Parameter temporary: where those are; nil: they are out of reach.
    mutating func lookAround(
        _ look: ProcessLook?, temporary: String?, since: Date?, leavingOut places: [Place]
    ) {
        guard let look else { return }
        let roots = places.map { LeakSearch.resolved($0.path) }
        placesSeen["open"] = Place(name: "open", path: "")
        for file in look.openFiles
        where !roots.contains(where: { file.name == $0 || file.name.hasPrefix("\($0)/") }) {
            search.search(file: file.path, place: "open", followsLink: true)
        }
        guard let temporary, !roots.contains(LeakSearch.resolved(temporary)) else { return }
        placesSeen["temporary"] = Place(name: "temporary", path: temporary, needs: .directory)
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
        let released = released
        for place in placesSeen.values.sorted(by: { $0.name < $1.name })
        where place.byRight.contains(.custody) && released[place.name] == nil {
            doubts.append("the master key was not found in \(place.name), where it is kept")
        }
        for (name, tally) in search.tallies.sorted(by: { $0.key < $1.key }) {
            if !tally.unreadable.isEmpty {
                doubts.append("\(tally.unreadable.count) files of \(name) could not be read")
            }
        }
        doubts += doubtsAboutContent
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

extension ProofSearch {
    /// Places that are not there, or in which there was nothing to look at.
    private var doubtsAboutContent: [String] {
        var doubts: [String] = []
        for place in placesSeen.values.sorted(by: { $0.name < $1.name })
        where !place.path.isEmpty && place.needs != .nothing {
            let tally = search.tallies[place.name]
            let lookedAt = tally.map { $0.files + $0.unchanged } ?? 0
            if tally?.missing.isEmpty == false {
                doubts.append("\(place.name): there is no \(place.path)")
            } else if place.needs == .files, lookedAt == 0 {
                doubts.append("\(place.name): nothing could be looked at in \(place.path)")
            }
        }
        return doubts
    }
}

extension ProofSearch.Place {
    /// What a run exports below the directory for local buckets, and all else in that.
    static func bucket(_ directory: String, _ run: ProofRun) -> [ProofSearch.Place] {
        let mine = "\(directory)/\(ProofRun.bucket)/\(run.name)"
        return [
            .init(name: "bucket", path: directory, needs: .directory),
            .init(name: "bucket.sealed", path: "\(mine)/sealed", holdsControl: true),
            .init(
                name: "bucket.keys", path: "\(mine)/keys", byRight: [.key],
                needs: run.driven["export.keys"] == nil ? .nothing : .files),
            .init(
                name: "bucket.opened", path: "\(mine)/opened", byRight: [.personal],
                holdsControl: true),
        ]
    }
}
