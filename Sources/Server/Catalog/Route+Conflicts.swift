import Store

extension Route {
    /// Decides anew if somebody else changed the catalog in between. A conflict does nothing, so
    /// the handler may run again; a real contradiction is then seen by its checks, which say
    /// precisely what it is.
    func retryingConflicts(_ catalog: Catalog) -> Route {
        let attemptsMax = 8
        let inner = handle
        var route = self
        route.handle = { request in
            for _ in 1..<attemptsMax {
                do {
                    return try await inner(request)
                } catch StoreError.conflict {
                    try catalog.refresh()
                }
            }
            return try await inner(request)
        }
        return route
    }
}
