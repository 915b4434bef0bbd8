extension Act {
    /// By which somebody decided what may happen to personal data, or took such a thing back.
    package static let decisions: [Act] = [
        .contractSubmitted, .contractApproved, .contractRejected, .contractActivated,
        .contractArchived, .contractReactivated, .derivedStreamCreated, .derivedStreamApproved,
        .derivedStreamRejected, .derivedStreamDeleted, .purposeSet, .purposeDeleted,
        .streamCreated, .streamDeleted, .clientCreated, .clientDisabled, .clientDeleted,
        .keyExportAllowed, .keyExportForbidden, .rejectionKeepingStarted,
        .rejectionKeepingStopped, .connectorCreated, .connectorDeleted, .exporterCreated,
        .exporterDeleted, .clockConfirmed, .erasureRequested, .fenceLifted,
    ]

    /// Opened fields of events left by it.
    var handsOutFields: Bool { self == .release || self == .subjectAccessed }
}
