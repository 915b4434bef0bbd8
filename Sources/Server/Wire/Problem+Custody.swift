extension Problem {
    /// Every request to a server that waits for its master key.
    static func sealed(_ detail: String? = nil) -> Problem {
        Problem(
            slug: "sealed", status: 503, title: "The server is sealed",
            detail: detail
                ?? "It has no master key and opens nothing. An operator brings it: strm keys unseal.",
            headers: [("retry-after", "10")])
    }

    /// Much was changed, and what must be kept now is in the detail.
    static func masterKeyHalfway(_ detail: String) -> Problem {
        Problem(
            slug: "master-key-halfway", status: 500,
            title: "The master key was replaced only in part",
            detail: "Look after the files of the key: \(detail).")
    }

    static let notSealed = Problem.conflict("The server is not sealed.")

    static let wrongMasterKey = Problem(
        slug: "wrong-master-key", status: 403, title: "This is not the master key",
        detail: "The keyring belongs to another one. The server stays sealed.")

    static let tooManyTries = Problem(
        slug: "too-many-tries", status: 429, title: "A key is tried once a second",
        detail: "Nothing was tried. Repeat the request later.", headers: [("retry-after", "1")])

    static let unsealInClear = Problem.forbidden(
        "A master key is taken over TLS or from this machine alone. "
            + "Run strm keys unseal on the server's own machine.")

    static let notAMasterKey = Problem.invalid(
        "body", expected: "the base64 or the 64 hexadecimal digits of 32 bytes, and nothing else")
}
