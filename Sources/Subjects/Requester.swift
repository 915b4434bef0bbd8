/// Who asks, as the audit log names them.
package struct Requester: Sendable, Equatable {
    package let client: String
    package let role: String

    package init(client: String, role: String) {
        self.client = client
        self.role = role
    }
}
