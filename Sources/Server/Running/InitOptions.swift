/// What `strm init` is told.
package struct InitOptions: Sendable {
    /// Made with mode 0700 if it is missing; must be empty or missing.
    package var dataDirectory: String
    /// Default: a new file `master.key` in the keyring directory.
    package var masterKey: MasterKeyCustody?
    /// Default: `<dataDirectory>/keys`.
    package var keyringDirectory: String?
    /// Written into `strm.json`; default `local`.
    package var billingID: String?
    /// Written into `strm.json`: one person may approve what they wrote themselves.
    package var isSinglePerson: Bool
    /// Written into `strm.json`: an absolute path, made if it is missing, where a copy of the
    /// keyring is kept. nil: there is no copy.
    package var escrowDirectory: String?

    package init(
        dataDirectory: String, masterKey: MasterKeyCustody? = nil,
        keyringDirectory: String? = nil, billingID: String? = nil, isSinglePerson: Bool = false,
        escrowDirectory: String? = nil
    ) {
        self.dataDirectory = dataDirectory
        self.masterKey = masterKey
        self.keyringDirectory = keyringDirectory
        self.billingID = billingID
        self.isSinglePerson = isSinglePerson
        self.escrowDirectory = escrowDirectory
    }
}

/// A client id and its secret, at the one moment when the secret is known.
package struct ClientCredentials: Sendable {
    package var clientID: String
    package var clientSecret: String
}

/// What `strm init` shows, once.
package struct InitResult: Sendable {
    /// The first client; its role is administrator.
    package var administrator: ClientCredentials
    /// With it anyone verifies the audit log offline: `name+hash+base64`.
    package var auditVerifierKey: String
    /// The file that holds the master key; nil if it is kept elsewhere.
    package var masterKeyPath: String?
    package var settingsPath: String
}
