import Store

/// Pages of a stream itself: each event is copied once, from the engine's block to the page.
enum SealedPages {
    /// Blocks on the disk.
    static func read(
        _ pass: Pass, from store: Store
    ) throws(StoreError) -> (PageBody, PassEnd) {
        var body = PageBody()
        body.bytes.reserveCapacity(pass.expectedBytes(in: store))
        let end = try pass.scan(store) { event in
            let json = event.json
            let count = body.bytes.count
            if count > 0, count + json.count >= pass.bytesMax { return .full }
            body.bytes.append(contentsOf: json)
            body.bytes.append(0x0A)
            body.count += 1
            if pass.collectsDetails { body.details.note(event) }
            return .taken
        }
        return (body, end)
    }
}
