import Privacy
import Store

extension [SealedSpanValue] {
    /// Puts the event's span table in the place of what was here; the memory is used again.
    mutating func copySpans(of event: borrowing EventRecordView) {
        removeAll(keepingCapacity: true)
        for index in 0..<event.spanCount {
            let span = event.span(at: index)
            append(
                SealedSpanValue(
                    start: span.start, length: span.length, fieldIndex: span.fieldIndex,
                    level: span.level, flags: span.flags))
        }
    }
}
