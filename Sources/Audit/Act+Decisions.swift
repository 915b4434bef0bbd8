extension Act {
    /// By which somebody decided what may happen to personal data, or took such a thing back.
    package static let decisions: [Act] = [
        .contractCreated, .contractChanged, .contractSubmitted, .contractApproved,
        .contractRejected, .contractActivated,
        .contractArchived, .contractReactivated, .contractDeleted, .derivedStreamCreated,
        .derivedStreamApproved,
        .derivedStreamRejected, .derivedStreamDeleted, .purposeSet, .purposeDeleted,
        .streamCreated, .streamDeleted, .clientCreated, .clientDisabled, .clientDeleted,
        .keyExportAllowed, .keyExportForbidden, .rejectionKeepingStarted,
        .rejectionKeepingStopped, .connectorCreated, .connectorRekeyed, .connectorDeleted,
        .exporterCreated, .exporterPaused, .exporterResumed, .exporterDeleted, .clockConfirmed,
        .erasureRequested, .fenceLifted, .auditKeyRotated, .masterKeyRotated, .olderStateAccepted,
    ]

    /// Whoever got what they handed out can open fields of every purpose, or was shown bodies that
    /// may hold any: they say none.
    static let ofAllPurposes: [Act] = [.keysExported, .rejectionShown]

    /// Opened fields of events left by it.
    var handsOutFields: Bool { self == .release || self == .subjectAccessed }
}
