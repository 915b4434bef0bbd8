extension OpenAPIDocument {
    static let custodyPaths = """
          /v1/unseal:
            post:
              operationId: unseal
              summary: >-
                Bring a sealed server its master key; over TLS or from the same machine alone.
              description: >-
                While a server is sealed every other request but health and metrics is answered with
                503 and the problem sealed. Having the key is the authentication. A key is tried
                once a second. A server that is not sealed answers 409.
              security: []
              requestBody:
                required: true
                content:
                  text/plain:
                    schema:
                      type: string
                      maxLength: 4096
                      description: Base64 or the 64 hexadecimal digits of 32 bytes.
              responses:
                "204": {description: The key is right; everything is served from now on.}
                "400": {$ref: "#/components/responses/Invalid"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "429":
                  description: A key was tried less than a second ago.
                  content:
                    application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/keys:
            get:
              operationId: getKeys
              summary: >-
                How the keys are kept: custody, generation, epochs, ages of secrets; never a key
                (administrator, dpo, auditor).
              responses:
                "200":
                  description: The state of the keyring.
                  content:
                    application/json: {schema: {type: object}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/keys/rotate-master:
            post:
              operationId: rotateMasterKey
              summary: Put another master key in the place of the one in use (administrator).
              description: >-
                The keyring is sealed under the new key and the generation before is overwritten; no
                data is touched. With to, the key is kept elsewhere from then on, and the setting
                masterKey must say so before the next start. While the escrow of the keyring is
                behind nothing is changed (409).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      additionalProperties: false
                      properties:
                        to:
                          type: [string, "null"]
                          description: >-
                            file:/ABSOLUTE/PATH or environment:NAME; absent or null, the file in
                            use is renewed in place. Not a name that begins with keyring or ends
                            in .next or .old, nor a file in the directories of the keyring, its
                            escrow and the erasure ledger, but for one directly in that of the
                            keyring whose name ends in .key.
              responses:
                "200":
                  description: Done.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [from, custody, generation]
                        properties:
                          from: {type: string}
                          custody: {type: string}
                          generation: {type: integer}
                          setting: {type: [string, "null"]}
                          escrow:
                            type: [object, "null"]
                            description: >-
                              The copy of the keyring elsewhere. While it is behind it needs the
                              key before.
                            properties:
                              generation: {type: [integer, "null"]}
                              behindSince: {type: [string, "null"]}
                              problem: {type: [string, "null"]}
                          destroyFile:
                            type: [string, "null"]
                            description: >-
                              The file that held the key before; it opens every older copy of the
                              keyring.
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "500":
                  description: >-
                    The problem master-key-halfway: the keyring is under a new key, which could not
                    take the place of the one in the file. The detail names the files to keep.
                  content:
                    application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/expiry:
            get:
              operationId: getExpiry
              summary: >-
                What was destroyed when, with the numbers of the audit entries, and what will be
                (dpo, auditor, administrator).
              description: >-
                One answer looks at 1,000,000 entries at most; go on with after=next until
                isComplete.
              parameters:
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: to
                  in: query
                  description: Exclusive.
                  schema: {$ref: "#/components/schemas/Time"}
                - name: after
                  in: query
                  description: The number of the first entry to look at.
                  schema: {type: integer, minimum: 0, maximum: 9223372036854775807}
              responses:
                "200":
                  description: The report.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [at, destroyed, dropped, next, isComplete, due, dueDays, streams]
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """
}
