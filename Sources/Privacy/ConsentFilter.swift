package import Contracts

/// Decides whether a derived stream may deliver an event.
package enum ConsentFilter {
    /// True if the event's consent has every required level.
    ///
    /// An event without any consent never passes, and a stream that requires nothing passes
    /// nothing: a mistake in a definition must not become a release.
    @inlinable
    package static func passes(event: ConsentLevels, required: ConsentLevels) -> Bool {
        event.bits != 0 && required.bits != 0 && event.bits & required.bits == required.bits
    }
}
