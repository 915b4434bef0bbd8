extension Query {
    /// The pages of a view, one after the other, for as long as somebody asks for the next.
    ///
    /// Nothing is read ahead: a slow reader costs one page of 256 KiB, or of one event if that is
    /// larger, and holds nothing in the store. No page is empty. Ends when the task is cancelled,
    /// or at `to` once that is past.
    package struct PageSequence: AsyncSequence, Sendable {
        package typealias Element = Page
        package typealias Failure = QueryError

        let query: Query
        let reader: Reader
        let request: Request

        package struct Iterator: AsyncIteratorProtocol {
            let query: Query
            let reader: Reader
            var request: Request
            var hasEnded = false

            package mutating func next() async throws(QueryError) -> Page? {
                try await next(isolation: nil)
            }

            package mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(QueryError) -> Page? {
                while !hasEnded {
                    let result: PageResult
                    do throws(QueryError) {
                        result = try await query.pageResult(reader, request)
                    } catch {
                        hasEnded = true
                        if case .cancelled = error { return nil }
                        throw error
                    }
                    request.cursor = result.page.nextCursor
                    // Times never fall, so behind a time that is past the cursor alone suffices,
                    // and needs no look at the disk.
                    if let from = request.from, from <= query.clock() { request.from = nil }
                    hasEnded = result.isAtEnd
                    if result.page.count > 0 { return result.page }
                }
                return nil
            }
        }

        package func makeAsyncIterator() -> Iterator {
            Iterator(query: query, reader: reader, request: request)
        }
    }
}
