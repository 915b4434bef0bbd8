extension OpenAPIDocument {
    static let proofPaths = """
          /v1/proofs:
            post:
              operationId: recordProof
              summary: >-
                Put the result of strm prove on record, and sign that (administrator, dpo, auditor).
                The server does not judge the result.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [sha256, verdict]
                      additionalProperties: false
                      properties:
                        sha256: {type: string, pattern: "^[0-9a-f]{64}$"}
                        verdict: {type: string, enum: [clean, leak, inconclusive]}
              responses:
                "201":
                  description: A C2SP signed note of the audit log's key under another name.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [note, verifierKey]
                        properties:
                          note: {type: string}
                          verifierKey: {type: string}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/proofs/process:
            get:
              operationId: describeProcess
              summary: The server's process, to be looked at from outside (administrator, dpo, auditor).
              responses:
                "200":
                  description: What it says of itself.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [pid, isDumpable, version, directories]
                        properties:
                          pid: {type: integer}
                          isDumpable:
                            type: boolean
                            description: Others of its user may trace it, and a crash may dump it.
                          version: {type: string}
                          directories:
                            type: object
                            description: >-
                              Absolute paths, on the server's machine, of the directories that it
                              writes to: data, keyring, erasures, escrow, backups, exports,
                              temporary. What is not configured is absent.
                            additionalProperties: {type: string}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """
}
