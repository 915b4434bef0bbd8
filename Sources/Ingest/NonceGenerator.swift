/// Random nonces of 31 bits for `strmMeta.nonce`: xoshiro256++ (Blackman and Vigna, 2018, public
/// domain), seeded with 256 bits of the system's random numbers.
///
/// The nonce tells two otherwise equal events apart. It is no secret and takes no part in the
/// encryption, which is deterministic by design; so the fast generator is enough, and the system
/// call of `SystemRandomNumberGenerator` is paid once for a lane instead of once for an event.
struct NonceGenerator: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: (system.next(), system.next(), system.next(), system.next()))
    }

    init(seed: (UInt64, UInt64, UInt64, UInt64)) {
        state = seed
        // All zero is the one state that the generator never leaves.
        if state.0 | state.1 | state.2 | state.3 == 0 { state.0 = 1 }
    }

    mutating func next() -> UInt64 {
        let sum = state.0 &+ state.3
        let result = (sum << 23 | sum >> 41) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    /// 0 … 2³¹−1, evenly: the upper 31 bits, which are the better mixed ones.
    mutating func nextNonce() -> Int32 {
        Int32(truncatingIfNeeded: next() >> 33)
    }
}
