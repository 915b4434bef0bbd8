import Foundation

/// A contract that names a data subject, and its events.
enum Signup {
    static let ref = "shop/signup/1.0.0"

    static let contract = """
        ref: {handle: shop, name: signup, version: 1.0.0}
        keyField: session
        dataSubjectField: email
        fieldMetadata:
          - fieldName: email
            personalDataConfig: {isPii: true, isQuasiId: false, purposeLevel: 1}
          - fieldName: plan
            personalDataConfig: {isPii: true, isQuasiId: false, purposeLevel: 2}
        schema:
          ref: {handle: shop, name: signup, version: 1.0.0, schemaType: SIMPLE}
          definition:
            name: Signup
            nodes:
              - {type: STRING, name: session, required: true}
              - {type: STRING, name: email, required: true}
              - {type: STRING, name: plan, required: true}
        """

    static func event(_ session: String, _ email: String, _ plan: String) -> String {
        """
        {"strmMeta":{"eventContractRef":"\(ref)","consentLevels":[1,2]},\
        "session":"\(session)","email":"\(email)","plan":"\(plan)"}
        """
    }

    /// Purposes, the contract, and a stream `signups` without derived streams.
    static func prepare(_ site: Deployment) async throws {
        let file = "\(site.scratch.path)/signup.yaml"
        try Data(contract.utf8).write(to: URL(filePath: file))
        try await site.definePurposes(0...2)
        try await site.expectSuccess("create", "contract", file, "--activate")
        try await site.expectSuccess("create", "stream", "signups")
    }

    /// A derived stream with all personal fields of the contract: `signups-1-2`.
    static func derive(_ site: Deployment) async throws {
        try await site.expectSuccess(
            "create", "stream", "--derived-from", "signups", "--levels", "1,2", "--approve")
    }
}
