extension HTTPRequestView {
    private static let names = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via",
    ].map { Array($0.utf8) }

    /// True if the request says that a proxy passed it on: the peer is not who sent it. One that
    /// does not say so is not noticed.
    package var isForwarded: Bool {
        var isFound = false
        RequestBuffer.forEachField(in: fields) { name, _ in
            for known in Self.names
            where known.count == name.count
                && zip(known, name).allSatisfy({ $0 == $1 | 0x20 || $0 == $1 })
            {
                isFound = true
            }
        }
        return isFound
    }
}
