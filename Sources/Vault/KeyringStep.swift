/// The steps of writing a generation of the keyring, in their order. A process may die before each
/// of them; tests do it.
enum KeyringStep: CaseIterable, Sendable {
    case createNext
    case writeFirstHalf
    case writeSecondHalf
    case syncNext
    /// A second name for the current generation, so that it can be found and overwritten later.
    case linkOld
    /// The point of no return: from here on the next generation is the keyring.
    case rename
    case syncDirectory
    case overwriteOld
    case unlinkOld
    case syncDirectoryAgain
}
