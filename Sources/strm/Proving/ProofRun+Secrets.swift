import Foundation
import Server

/// Credentials on their way: of clients, and of buckets.
extension ProofRun {
    func useSecrets() async {
        await logIn()
        await drive("login.refused") {
            let id = mark("login.refused id", .credential)
            let secret = mark("login.refused secret", .credential)
            let basic = Data("\(id):\(secret)".utf8).base64EncodedString()
            let reply = try await raw(
                "POST", "/oauth2/token",
                [
                    ("authorization", "Basic \(basic)"),
                    ("content-type", "application/x-www-form-urlencoded"),
                ], Array("grant_type=client_credentials".utf8))
            try expect(reply, 401)
            keep(reply, "login.refused")
        }
        await drive("login.refused") {
            let secret = mark("login.refused form", .credential)
            let client = try credential(for: .read(stream: name))
            let reply = try await raw(
                "POST", "/oauth2/token", [("content-type", "application/x-www-form-urlencoded")],
                Array(
                    ("grant_type=client_credentials&client_id=\(client.clientId)"
                        + "&client_secret=\(secret)").utf8))
            try expect(reply, 401)
            keep(reply, "login.refused")
        }
        await drive("refresh.refused") {
            let token = mark("refresh.refused", .credential)
            let reply = try await raw(
                "POST", "/refresh", [("content-type", "application/json")],
                Array("{\"refreshToken\":\"\(token)\"}".utf8))
            try expect(reply, 400, 401)
            keep(reply, "refresh.refused")
        }
        await refuseManagement()
        await refuseBuckets()
    }

    /// The older endpoints, which give a refresh token.
    private func logIn() async {
        await drive("login.older") {
            let client = try credential(for: .read(stream: name))
            let body = JSONValue.object([
                "billingId": "local", "clientId": .string(client.clientId),
                "clientSecret": .string(client.clientSecret),
            ])
            let reply = try await raw(
                "POST", "/auth", [("content-type", "application/json")],
                Array(body.text(pretty: false).utf8))
            try expect(reply, 200)
            guard let token = try reply.json()["refreshToken"]?.string,
                let signature = token.split(separator: ".").last
            else { throw ProofGap("there is no refresh token") }
            mark(credential: String(signature), "token.refresh")
            let refreshed = try await raw(
                "POST", "/refresh", [("content-type", "application/json")],
                Array("{\"refreshToken\":\"\(token)\"}".utf8))
            try expect(refreshed, 200)
        }
    }

    /// Bodies of management requests are no place for personal data, but people err.
    private func refuseManagement() async {
        await drive("refused.management") {
            let reply = try await ask(
                .manage, "POST", "/v1/streams",
                json: .object(["name": .string("\(mark("refused.management")) \u{e9}")]))
            try expect(reply, 400)
            keep(reply, "refused.management")
        }
        await drive("refused.contractText") {
            let text = "{\"ref\": \"\(mark("refused.contractText"))\""
            let reply = try await ask(.write, "POST", "/v1/contracts", body: Array(text.utf8))
            try expect(reply, 400)
            keep(reply, "refused.contractText")
        }
    }

    /// A connector that cannot be used is refused with its credentials; no name is looked up, because
    /// the address is this machine's and plain.
    private func refuseBuckets() async {
        await drive("refused.connector.s3") {
            let reply = try await ask(
                .manage, "POST", "/v1/connectors",
                json: .object([
                    "name": .string("\(name)-s3"), "type": "s3", "bucket": "strm-prove",
                    "region": "eu-central-1", "endpoint": "https://127.0.0.1:9",
                    "accessKeyId": .string(mark("refused.connector.s3 id", .credential)),
                    "secretAccessKey": .string(mark("refused.connector.s3 secret", .credential)),
                    "sessionToken": .string(mark("refused.connector.s3 session", .credential)),
                ]))
            try expect(reply, 400, 422)
            keep(reply, "refused.connector.s3")
        }
        await drive("refused.connector.gcs") {
            let secret = mark("refused.connector.gcs", .credential)
            let reply = try await ask(
                .manage, "POST", "/v1/connectors",
                json: .object([
                    "name": .string("\(name)-gcs"), "type": "gcs", "bucket": "strm-prove",
                    "serviceAccount": .string("{\"private_key\":\"\(secret)\"}"),
                ]))
            try expect(reply, 400, 422)
            keep(reply, "refused.connector.gcs")
        }
    }
}
