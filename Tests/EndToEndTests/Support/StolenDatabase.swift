import Foundation
import Privacy

@testable import Store

/// What a copy of a database holds, read without its owner's rules.
struct StolenDatabase {
    struct Event {
        let link: KeyLink
        let json: [UInt8]
        let spans: [SealedSpanValue]
        /// The key field, which is in clear.
        let session: String
    }

    private(set) var events: [Event] = []
    private(set) var keys: [(link: KeyLink, record: [UInt8])] = []
    /// Keys of the index of data subjects.
    private(set) var subjects: [[UInt8]] = []

    init(path: String) throws {
        let configuration = StoreConfiguration(directory: path, watermarkPath: "")
        let (database, families) = try Database.openReadOnly(
            path: path, options: try EngineOptions(configuration))
        let engine = try Engine(database: database, families: families)
        try Self.visit(engine.keys) { key, value in
            guard let link = KeyLink(bytes: Array(key)) else {
                throw Unexpected("a record of a data key under another name")
            }
            keys.append((link, Array(value)))
        }
        try Self.visit(engine.subjects) { key, _ in subjects.append(Array(key)) }
        for day in try Store.dayFamilies(families) {
            try Self.visit(day.family) { key, value in
                guard EventRecord.fault(key: key, record: value) == nil else {
                    throw Unexpected("a damaged event in \(path)")
                }
                events.append(
                    Self.event(EventRecordView(offset: Offset(rawValue: 0), record: value)))
            }
        }
    }

    private static func event(_ record: borrowing EventRecordView) -> Event {
        let spans = (0..<record.spanCount).map { index in
            let span = record.span(at: index)
            return SealedSpanValue(
                start: span.start, length: span.length, fieldIndex: span.fieldIndex,
                level: span.level, flags: span.flags)
        }
        let json = Array(record.json)
        let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
        return Event(
            link: record.keyLink, json: json, spans: spans,
            session: object?["session"] as? String ?? "")
    }

    private static func visit(
        _ family: ColumnFamily,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let iterator = try family.iterator(.sweep)
        iterator.seekToFirst()
        while iterator.isValid {
            try body(iterator.key, iterator.value)
            iterator.next()
        }
        try iterator.check()
    }
}
