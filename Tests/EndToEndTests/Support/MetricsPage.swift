import Foundation

/// `/metrics` of a server on the loopback, read without a program of its own: for tests that look
/// often.
enum MetricsPage {
    /// Name and labels → value.
    static func read(port: Int) throws -> [String: Double] {
        var values: [String: Double] = [:]
        for line in try text(port: port).split(separator: "\n") where line.hasPrefix("strm_") {
            guard let space = line.lastIndex(of: " ") else { continue }
            values[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return values
    }

    /// The server's clock, as the page's header says it; nil if it says none.
    static func date(port: Int) throws -> Date? {
        let name = "date: "
        let line = try text(port: port).split(whereSeparator: \.isNewline)
            .first { $0.lowercased().hasPrefix(name) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return line.flatMap { format.date(from: String($0.dropFirst(name.count))) }
    }

    private static func text(port: Int) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Unexpected("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let request = Array(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard isConnected, write(descriptor, request, request.count) == request.count else {
            throw Unexpected("no server answers for its metrics")
        }
        var page: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &room, room.count)
            guard count > 0 else { return String(decoding: page, as: UTF8.self) }
            page += room[..<count]
        }
    }
}
