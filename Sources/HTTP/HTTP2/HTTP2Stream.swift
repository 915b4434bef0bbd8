import NIOCore

/// One HTTP/2 stream, in a slot of its connection.
struct HTTP2Stream {
    var id: Int32 = 0
    /// The request as far as it has come; nil before it starts and once the handler has had it.
    var request: RequestBuffer?
    /// When its header block was complete: the body's rate counts from here.
    var startedAt = NIODeadline.distantPast
    /// The client has ended its side.
    var isComplete = false
    /// An answer was submitted.
    var isAnswered = false
    /// Answered before the request was complete: what still comes of it is dropped.
    var isRefused = false
    var isHead = false
    /// Name and value sizes broke a limit: the rest of the header block is not kept.
    var hasTooManyHeaders = false

    var responseBody: [UInt8] = []
    var responseHold: ResponseHold?
    var responseOffset = 0
    /// When the last byte of the response body went into a frame.
    var progressAt = NIODeadline.distantPast

    var isSendingBody: Bool { responseOffset < responseBody.count }
}

/// The streams of one connection. nghttp2 keeps each index as the stream's user data, so that
/// nothing has to be retained by C, and nothing leaks when a session is deleted with open streams.
struct HTTP2StreamTable {
    private var slots: ContiguousArray<HTTP2Stream> = []
    private var free: [Int] = []

    var openCount: Int { slots.count - free.count }
    var indices: Range<Int> { slots.indices }

    subscript(index: Int) -> HTTP2Stream {
        _read { yield slots[index] }
        _modify { yield &slots[index] }
    }

    mutating func open(id: Int32) -> Int {
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append(HTTP2Stream())
        }
        slots[index].id = id
        return index
    }

    mutating func close(_ index: Int) {
        slots[index] = HTTP2Stream()
        free.append(index)
    }

    static func userData(_ index: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: index + 1)
    }

    static func index(_ userData: UnsafeMutableRawPointer?) -> Int? {
        userData.map { Int(bitPattern: $0) - 1 }
    }
}
