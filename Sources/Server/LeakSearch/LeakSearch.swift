import Export
package import Foundation

/// Looks for markers in files, in what a process shows of itself, and in answers; remembers where
/// they are, and how much it looked at.
package struct LeakSearch: Sendable {
    /// A marker in a place.
    package struct Hit: Sendable, Hashable {
        package var marker: LeakMarker
        /// The kind of place, as the caller named it: `data`, `log`, `answer` …
        package var place: String
        /// The file or whatever else was looked at.
        package var name: String
        package var form: LeakForm
        /// Bytes before it, behind expansion if the file is compressed.
        package var offset: Int
        package var isExpanded: Bool
    }

    /// What was looked at in one kind of place.
    package struct Tally: Sendable, Equatable {
        package var files = 0
        package var bytes = 0
        /// Of those, compressed files whose content was looked at too.
        package var expanded = 0
        /// Not touched since the time that was given: what came later is not in them.
        package var unchanged = 0
        /// Gone between the list and the look, as files of a running store are.
        package var vanished = 0
        package var unreadable: [String] = []
        /// Roots that are not there: nothing that was to be looked at was.
        package var missing: [String] = []
    }

    private static let pieceBytes = 1 << 20
    /// A compressed file that grows beyond this is told as unreadable.
    private static let expandedBytesMax = 64 << 30

    private let patterns: LeakPatterns
    package private(set) var hits: Set<Hit> = []
    package private(set) var tallies: [String: Tally] = [:]

    package init(_ markers: [LeakMarker]) { patterns = LeakPatterns(markers) }

    /// Takes over what another search found and looked at.
    package mutating func add(_ other: LeakSearch) {
        hits.formUnion(other.hits)
        for (place, tally) in other.tallies {
            var sum = tallies[place] ?? Tally()
            sum.files += tally.files
            sum.bytes += tally.bytes
            sum.expanded += tally.expanded
            sum.unchanged += tally.unchanged
            sum.vanished += tally.vanished
            sum.unreadable += tally.unreadable
            sum.missing += tally.missing
            tallies[place] = sum
        }
    }

    /// An answer, an environment: anything that is in memory.
    package mutating func search(_ bytes: [UInt8], place: String, name: String) {
        var scanner = LeakScanner(patterns)
        scanner.feed(bytes)
        tallies[place, default: Tally()].files += 1
        note(scanner, place, name, isExpanded: false)
    }

    /// A file, or all files below a directory. Symbolic links are not followed; their targets and
    /// the names of all files are looked at too.
    ///
    /// - Parameter unchangedSince: files whose content and attributes were not changed since then are
    ///   counted only; the kernel keeps that time (ctime), nobody can set it back.
    /// - Parameter leavingOut: paths that are not looked at.
    /// - Parameter owner: files and directories of other users are passed over.
    package mutating func search(
        tree root: String, place: String, unchangedSince: Date? = nil,
        leavingOut: Set<String> = [], owner: UInt32? = nil
    ) {
        // The root itself may be a link.
        let root = Self.resolved(root)
        let leavingOut = Set(leavingOut.map(Self.resolved))
        var directories = [root]
        tallies[place, default: Tally()].files += 0
        while let path = directories.popLast() {
            guard !leavingOut.contains(path) else { continue }
            var status = stat()
            guard lstat(path, &status) == 0 else {
                let number = errno
                if path == root, number == ENOENT || number == ENOTDIR {
                    tallies[place, default: Tally()].missing.append(root)
                } else {
                    complain(path, place, number)
                }
                continue
            }
            guard owner == nil || status.st_uid == owner || path == root else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: directories += list(path, place)
            case S_IFLNK:
                // A root that leads somewhere was resolved.
                if path == root { tallies[place, default: Tally()].missing.append(root) }
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
                search(name: "\(path)\n\(target ?? "")", path, place)
            case S_IFREG:
                search(name: path, path, place)
                if let since = unchangedSince,
                    Double(status.st_ctim.tv_sec) < since.timeIntervalSince1970
                {
                    tallies[place, default: Tally()].unchanged += 1
                } else {
                    search(file: path, place: place)
                }
            default: break
            }
        }
    }

    /// One file, whatever its kind: `/proc` has files without a length.
    package mutating func search(file path: String, place: String, followsLink: Bool = false) {
        let following = followsLink ? 0 : O_NOFOLLOW
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | following)
        guard descriptor >= 0 else { return complain(path, place, errno) }
        defer { close(descriptor) }
        var scanner = LeakScanner(patterns)
        var inner: (scanner: LeakScanner, expander: ObjectExpander)?
        var isExpanding = true
        var isReadable = true
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.pieceBytes, alignment: 16)
        defer { room.deallocate() }
        while true {
            let count = read(descriptor, room.baseAddress, room.count)
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                if count < 0 { isReadable = false }
                break
            }
            let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
            if scanner.bytes == 0, let expander = ObjectExpander(startingWith: piece.prefix(4)) {
                inner = (LeakScanner(patterns), expander)
            }
            scanner.feed(piece)
            if let expander = inner?.expander, isExpanding {
                // Not of the format after all, or cut: what came out until then is looked at.
                isExpanding = expander.expand(piece) { inner?.scanner.feed($0) }
                if inner?.scanner.bytes ?? 0 > Self.expandedBytesMax {
                    isReadable = false
                    break
                }
            }
        }
        tallies[place, default: Tally()].files += 1
        if !isReadable { tallies[place, default: Tally()].unreadable.append(path) }
        note(scanner, place, path, isExpanded: false)
        if let inner {
            tallies[place, default: Tally()].expanded += 1
            note(inner.scanner, place, path, isExpanded: true)
        }
    }

    /// The path without links; as it is if nothing is there.
    package static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private mutating func search(name: String, _ path: String, _ place: String) {
        var scanner = LeakScanner(patterns)
        scanner.feed(Array(name.utf8))
        for (key, _) in scanner.found {
            hits.insert(
                Hit(
                    marker: patterns.markers[key.marker], place: place, name: "a file's name",
                    form: key.form, offset: 0, isExpanded: false))
        }
    }

    private mutating func note(
        _ scanner: LeakScanner, _ place: String, _ name: String, isExpanded: Bool
    ) {
        tallies[place, default: Tally()].bytes += scanner.bytes
        for (key, offset) in scanner.found {
            hits.insert(
                Hit(
                    marker: patterns.markers[key.marker], place: place, name: name, form: key.form,
                    offset: offset, isExpanded: isExpanded))
        }
    }

    private mutating func list(_ directory: String, _ place: String) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
                .map { "\(directory)/\($0)" }
        } catch {
            complain(directory, place, access(directory, F_OK) == 0 ? EACCES : ENOENT)
            return []
        }
    }

    private mutating func complain(_ path: String, _ place: String, _ number: Int32) {
        if number == ENOENT {
            tallies[place, default: Tally()].vanished += 1
        } else {
            tallies[place, default: Tally()].unreadable.append(path)
        }
    }
}
