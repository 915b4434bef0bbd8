import Foundation
import Testing

@testable import Server

@Suite("Where a path leads")
struct PlacePathTests {
    private func with(_ body: (String) throws -> Void) throws {
        let made = FileManager.default.temporaryDirectory
            .appending(path: "strm-path-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: "\(made)/srv/strm", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: made) }
        // The temporary directory itself may be behind a link.
        try body(PlacePath.normalised(made))
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: target)
    }

    @Test("a directory that is not made yet lies where the link above it leads")
    func notMadeYet() throws {
        try with { root in
            try link("\(root)/strm", to: "\(root)/srv/strm")
            let backups = "\(root)/strm/backups/../backups/new"
            #expect(PlacePath.normalised(backups) == "\(root)/srv/strm/backups/new")
            #expect(PlacePath.isInside(backups, "\(root)/srv/strm"))
            #expect(PlacePath.isInside(backups, "\(root)/strm"))
            // Nothing changes when it is made.
            try FileManager.default.createDirectory(
                atPath: "\(root)/srv/strm/backups/new", withIntermediateDirectories: true)
            #expect(PlacePath.normalised(backups) == "\(root)/srv/strm/backups/new")
        }
    }

    @Test("a link whose end is not there yet is followed, also a relative one")
    func noEndYet() throws {
        try with { root in
            try link("\(root)/strm", to: "./srv/later/../other")
            #expect(PlacePath.normalised("\(root)/strm/keys") == "\(root)/srv/other/keys")
        }
    }

    @Test("two dots behind a link lead above what it leads to")
    func aboveALink() throws {
        try with { root in
            try link("\(root)/strm", to: "\(root)/srv/strm")
            #expect(PlacePath.normalised("\(root)/strm/../keys") == "\(root)/srv/keys")
            #expect(!PlacePath.isInside("\(root)/strm/../keys", "\(root)/srv/strm"))
        }
    }

    @Test("links in a circle end")
    func circle() throws {
        try with { root in
            try link("\(root)/a", to: "\(root)/b")
            try link("\(root)/b", to: "\(root)/a")
            #expect(PlacePath.normalised("\(root)/a/x").hasSuffix("/x"))
        }
    }

    @Test("a name that begins like another is not inside it, and everything is inside the root")
    func names() {
        #expect(!PlacePath.isInside("/none/data.backups", "/none/data"))
        #expect(PlacePath.isInside("/none//data/./x/", "/none/data"))
        #expect(PlacePath.isInside("/none/data", "/"))
        #expect(PlacePath.normalised("/../..") == "/")
    }
}
