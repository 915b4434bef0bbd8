import Foundation
import Glibc

/// A small HTTP/1.1 client over a blocking socket, one connection a request, so that the tests see
/// the bytes that the server sent and not what a library made of them. Runs on a thread of its own:
/// the tasks' pool stays free.
struct TestClient: Sendable {
    let port: Int

    struct Response: Sendable {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        func header(_ name: String) -> String? {
            headers.first { $0.name == name }?.value
        }

        var text: String { String(decoding: body, as: UTF8.self) }

        /// The body as JSON; an empty dictionary if it is none.
        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
        }

        /// The last part of a problem document's type.
        var slug: String {
            (json["type"] as? String)?.split(separator: "/").last.map(String.init) ?? ""
        }
    }

    struct Failure: Error { var step: String }

    func send(
        _ method: String, _ target: String, token: String? = nil, headers: [String: String] = [:],
        body: [UInt8]? = nil
    ) async throws -> Response {
        var all = headers
        if let token { all["authorization"] = "Bearer \(token)" }
        var head =
            "\(method) \(target) HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\nconnection: close\r\n"
        for (name, value) in all { head += "\(name): \(value)\r\n" }
        if let body { head += "content-length: \(body.count)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + (body ?? [])
        let answer = try await raw(bytes)
        return try Self.parse(answer, isHead: method == "HEAD")
    }

    func get(_ target: String, token: String? = nil) async throws -> Response {
        try await send("GET", target, token: token)
    }

    func post(
        _ target: String, token: String? = nil, json: String, type: String = "application/json"
    ) async throws -> Response {
        try await send(
            "POST", target, token: token, headers: ["content-type": type], body: Array(json.utf8))
    }

    func form(
        _ target: String, _ form: String, headers: [String: String] = [:]
    ) async throws -> Response {
        var all = headers
        all["content-type"] = "application/x-www-form-urlencoded"
        return try await send("POST", target, headers: all, body: Array(form.utf8))
    }

    /// Sends the bytes and reads until the server closes.
    func raw(_ bytes: [UInt8]) async throws -> [UInt8] {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.exchange(bytes, port: port) })
            }
        }
    }

    private static func exchange(_ bytes: [UInt8], port: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(step: "socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(step: "connect") }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The server may answer and close before it has read a body that it refuses.
            if count <= 0 { break }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer.append(contentsOf: buffer[..<count])
        }
        return answer
    }

    private static func parse(_ bytes: [UInt8], isHead: Bool) throws -> Response {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Failure(step: "no response head")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else {
            throw Failure(step: "no status line")
        }
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (
                name: line[..<colon].lowercased(),
                value: line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            )
        }
        let response = Response(
            status: status, headers: headers, body: Array(bytes[end.upperBound...]))
        if !isHead, let length = response.header("content-length").flatMap(Int.init) {
            guard length == response.body.count else { throw Failure(step: "short body") }
        }
        return response
    }
}
