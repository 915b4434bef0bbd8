package import Store

extension Vault {
    /// What all entries of the family of subjects begin with that are a person's in a stream: the
    /// key link is what follows. About 200 ns.
    package func subjectPrefix(
        of subject: UnsafeRawBufferPointer, in stream: StreamID
    ) -> [UInt8] {
        Self.subjectPrefix(stream) + hashes.hash(subject, stream: stream, purpose: .subject).bytes
    }
}
