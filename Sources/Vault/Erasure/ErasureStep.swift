import Glibc

/// The steps of an erasure, in their order. A process may die before each of them; tests do it.
package enum ErasureStep: String, CaseIterable, Sendable {
    // A request.
    /// The point of no return: from here on the person is erased, whatever happens.
    case appendRequested
    case deleteRecords
    case commitRequested
    // The destruction of what was requested.
    case appendStarted
    case publishSuccessors
    case waitForMakers
    /// For each piece of the scan: between reading its records and writing them.
    case rewrap
    case verify
    case keepRewrapped
    case prepareMasterKey
    /// From here on no copy of the erased keys can be opened.
    case destroyBuckets
    case renameMasterKey
    case overwriteMasterKey
    case appendCompleted
    case commitCompleted

    /// Called before each step. An error that it throws stops there, as a fault would.
    package typealias Hook = @Sendable (ErasureStep) throws(VaultError) -> Void

    /// What happens before each step unless a test says otherwise: in a debug build the process
    /// kills itself if the environment names the step.
    package static let defaultHook: Hook = { step in
        #if DEBUG
            if let wanted = getenv("STRM_TEST_DIE_BEFORE"), String(cString: wanted) == step.rawValue
            {
                kill(getpid(), SIGKILL)
            }
        #endif
    }
}
