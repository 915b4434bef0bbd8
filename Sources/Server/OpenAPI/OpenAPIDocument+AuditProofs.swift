extension OpenAPIDocument {
    static let auditProofPaths = """
          /v1/audit/proofs/inclusion:
            get:
              operationId: proveEntry
              summary: The proof that an entry is in the log (C2SP tlog-proof, the entry under extra).
              parameters:
                - name: entry
                  in: query
                  required: true
                  schema: {type: integer, minimum: 0, maximum: 9223372036854775807}
                - name: size
                  in: query
                  description: Of the tree of so many entries. Absent, the log as it is now.
                  schema: {type: integer, minimum: 1, maximum: 9223372036854775807}
              responses: &auditProof
                "200":
                  description: Text.
                  content:
                    text/plain: {schema: {type: string}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/audit/proofs/consistency:
            get:
              operationId: proveConsistency
              summary: >-
                The proof that the log of a size begins with that of a smaller one, with the newer
                checkpoint, in the form of C2SP tlog-witness.
              parameters:
                - name: from
                  in: query
                  required: true
                  schema: {type: integer, minimum: 0, maximum: 9223372036854775807}
                - name: to
                  in: query
                  description: Absent, the log as it is now.
                  schema: {type: integer, minimum: 0, maximum: 9223372036854775807}
              responses: *auditProof
          /v1/audit/verifier-keys:
            get:
              operationId: listVerifierKeys
              summary: All keys that the log ever had, and what else each signs.
              responses:
                "200":
                  description: The first key first; the last one signs.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items:
                            type: array
                            items:
                              type: object
                              required:
                                [number, key, manifestKey, receiptKey, fromEntry, isCurrent]
                              properties:
                                number: {type: integer, minimum: 0}
                                key: {type: string}
                                manifestKey: {type: string}
                                receiptKey: {type: string}
                                fromEntry: {type: integer, minimum: 0}
                                isCurrent: {type: boolean}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/audit/rotations/{number}:
            get:
              operationId: proveRotation
              summary: >-
                The proof of a change of the key, from 1 on: the entry that names it, in the tree
                that ends with it, signed by the key before and by the new one.
              parameters:
                - {name: number, in: path, required: true, schema: {type: string, minLength: 1}}
              responses: *auditProof
          /v1/audit/witnesses:
            get:
              operationId: listWitnesses
              summary: Places outside that get checkpoints, and what each took last.
              responses:
                "200":
                  description: Each with the signed note that it took, cosignatures included.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [size, items]
                        properties:
                          size: {type: integer}
                          items:
                            type: array
                            items:
                              type: object
                              required: [name, place, failures, isOtherHistory, isVerified]
                              properties:
                                name: {type: string, enum: [file, url, connector]}
                                place: {type: string}
                                confirmedSize: {type: [integer, "null"]}
                                confirmedAt: {type: [string, "null"]}
                                ageSeconds: {type: [integer, "null"]}
                                isVerified: {type: boolean}
                                failures: {type: integer}
                                failure: {type: [string, "null"]}
                                isOtherHistory: {type: boolean}
                                checkpoint: {type: [string, "null"]}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/keys/rotate-signing:
            post:
              operationId: rotateSigning
              summary: Let another key sign the audit log, manifests and receipts (administrator).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      additionalProperties: false
                      properties:
                        overlapDays:
                          description: So long the key before it signs checkpoints too.
                          type: [integer, "null"]
                          minimum: 0
                          maximum: 365
                          default: 30
              responses:
                "200":
                  description: The new key signs.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [number, key, previous, entry, overlapDays]
                        properties:
                          number: {type: integer}
                          key: {type: string}
                          previous: {type: string}
                          entry: {type: integer}
                          overlapDays: {type: integer}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """
}
