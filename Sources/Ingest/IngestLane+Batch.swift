package import Contracts
package import Store

/// What became of the lines of one batch.
package struct BatchReceipt: Sendable {
    /// Lines that were queued: the sink will give the batch's token back this many times, less
    /// those that `flush` turns away.
    package var queued = 0
    /// One entry for each refused line, numbered from 1, ascending.
    package var refused: [(line: Int, refusal: Refusal)] = []
    /// Set if the batch could not be taken to its end: this line and all after it were not looked
    /// at, and the sender must repeat them.
    package var stopped: (line: Int, outcome: IngestLane.Outcome)?
}

extension IngestLane {
    /// Takes a batch of JSON lines. All queued lines carry the same token, so that whoever waits
    /// counts them down; the lines are independent, and good ones are stored beside refused ones.
    package func receiveBatch(
        _ body: UnsafeRawBufferPointer, schemaRef: UnsafeRawBufferPointer?, stream: StreamTarget,
        token: CommitToken, now: Milliseconds
    ) -> BatchReceipt {
        eachLine(of: body) { line in
            receive(
                line, format: .json, schemaRef: schemaRef, stream: stream, token: token, now: now)
        }
    }

    /// What `receiveBatch` would say: `queued` are the lines that it would queue.
    package func checkBatch(
        _ body: UnsafeRawBufferPointer, schemaRef: UnsafeRawBufferPointer?
    ) -> BatchReceipt {
        eachLine(of: body) { line in
            check(line, format: .json, schemaRef: schemaRef).map { .refused($0) } ?? .queued
        }
    }

    private func eachLine(
        of body: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Outcome
    ) -> BatchReceipt {
        var receipt = BatchReceipt()
        var lines = EventLines(body)
        var seen = 0
        while let (number, line) = lines.next() {
            seen += 1
            guard seen <= batchLinesMax else {
                receipt.stopped = (
                    number,
                    .refused(
                        Refusal(
                            kind: .tooLarge, rule: .itemCount,
                            expected: "at most \(batchLinesMax) events in a batch"))
                )
                return receipt
            }
            let outcome = take(line)
            switch outcome {
            case .queued: receipt.queued += 1
            case .refused(let refusal): receipt.refused.append((number, refusal))
            case .overloaded, .unavailable:
                receipt.stopped = (number, outcome)
                return receipt
            }
        }
        return receipt
    }
}
