package import Store

/// What erasures need of the store beside what lending keys does.
package protocol ErasableKeyStore: KeyStore {
    /// Visits up to `limit` records of data keys, ascending by link, from behind `link` on. Gives
    /// the last link visited; nil at the end. Blocks.
    func visitKeys(
        after link: KeyLink?, limit: Int, visit: (KeyLink, UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> KeyLink?
    /// Up to `limit` entries of subjects with the prefix, ascending, from behind a key on. Blocks.
    func subjectEntries(
        prefix: [UInt8], after: [UInt8]?, limit: Int
    ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])]
    /// A document of the catalog. Memory only.
    func document(_ key: DocumentKey) -> Document?
    /// Returns when everything that was submitted before is synced. Blocks.
    func waitForCommits() throws(StoreError)
}

extension Store: ErasableKeyStore {}
