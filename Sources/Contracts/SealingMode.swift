/// How the values of a personal field are sealed, as the contract's author chooses.
package enum SealingMode: String, Sendable, Equatable {
    /// Equal values of one sequence give equal text: readers can join and count what is sealed, and
    /// so see how often each value occurs.
    case deterministic
    /// Each value is sealed with a nonce of its own: equal values differ.
    case random
}
