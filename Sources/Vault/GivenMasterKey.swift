/// A master key that somebody brought to a sealed server, in locked memory. Not printable, wiped
/// when it is dropped.
package final class GivenMasterKey: Sendable, Equatable {
    /// The longest text that is looked at, in bytes.
    package static let textBytesMax = 4_096

    let memory: LockedMemory

    /// Takes the base64 or the hexadecimal digits of 32 bytes, a line end may follow, or the 32 bytes
    /// themselves. The text stays the caller's to wipe. nil if it is something else, or there is no memory for keys.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard text.count <= Self.textBytesMax else { return nil }
        var bytes = Array(text)
        defer { MasterKey.wipe(&bytes) }
        guard var key = MasterKey.decode(bytes) else { return nil }
        defer { MasterKey.wipe(&key) }
        do throws(VaultError) {
            memory = try LockedMemory(byteCount: key.count)
        } catch {
            return nil
        }
        memory.withMutableBytes { $0.copyBytes(from: key) }
    }

    /// The same object: what is inside is never compared.
    package static func == (left: GivenMasterKey, right: GivenMasterKey) -> Bool {
        left === right
    }
}
