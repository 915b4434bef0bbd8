/// A place for objects, open for the length of one batch: its host's address was looked up and
/// checked when it was opened, and is not looked up again.
///
/// Implementers: every method may be repeated with the same arguments, also after an answer was
/// lost, and then leaves the same objects. Transient failures are tried again a few times inside,
/// with growing pauses; what is thrown then is for the caller to repeat later. Nothing of a
/// credential or of an object's bytes is in any error.
package protocol Bucket: Sendable {
    /// What people call it: `s3://name`, `gs://name`, `local:path`.
    var title: String { get }

    /// Writes a small object whole, in the place of what has its name. Durable on return, as far
    /// as the store's answer can be believed.
    /// - Parameter body: at most 16 MiB.
    func put(
        _ name: ObjectName, _ body: [UInt8], contentType: String
    ) async throws(BucketError)

    /// Removes an object; one that is not there is no error.
    func delete(_ name: ObjectName) async throws(BucketError)

    /// Begins an object whose size is not known yet. Unfinished uploads of this very name, left
    /// behind by a process that was killed, are taken back where the store keeps them.
    func begin(
        _ name: ObjectName, contentType: String
    ) async throws(BucketError) -> any BucketUpload

    /// Closes connections. Nothing is called after it.
    func close() async
}

/// An object on its way. One task uses it: `append` any number of times, then `finish` or `abort`.
package protocol BucketUpload: AnyObject, Sendable {
    /// Sends the next bytes. `part` has exactly `BucketLimits.partBytes`.
    func append(_ part: [UInt8]) async throws(BucketError)

    /// Sends the last bytes, 0 to `BucketLimits.partBytes`, and makes the object visible under its
    /// name, all at once: before this, readers see nothing or what was there before.
    func finish(_ rest: [UInt8]) async throws(BucketError)

    /// Gives the upload up and takes back what was sent, as far as that can be done.
    func abort() async
}

/// Sizes that hold for all kinds of buckets.
package enum BucketLimits {
    /// Of one part: S3 takes no smaller ones than 5 MiB, Google Cloud wants a multiple of 256 KiB.
    package static let partBytes = 8 << 20
    /// S3 has at most so many parts.
    package static let partsMax = 10_000
}
