extension OpenAPIDocument {
    static let auditPaths = """
          /v1/audit/entries:
            get:
              operationId: listAuditEntries
              summary: Entries of the audit log, oldest first (auditor, dpo, administrator).
              description: >-
                A call looks at a bounded number of entries. Go on with after=next until
                isComplete.
              parameters:
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: to
                  in: query
                  description: Exclusive.
                  schema: {$ref: "#/components/schemas/Time"}
                - {name: act, in: query, schema: {$ref: "#/components/schemas/Act"}}
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - {name: stream, in: query, schema: {type: string, minLength: 1}}
                - {name: derivedStream, in: query, schema: {type: string, minLength: 1}}
                - {name: field, in: query, schema: {type: string, minLength: 1}}
                - {name: purpose, in: query, schema: {type: integer, minimum: 0, maximum: 63}}
                - name: after
                  in: query
                  description: The number of the first entry to look at.
                  schema: {type: integer, minimum: 0, maximum: 9223372036854775807}
                - name: limit
                  in: query
                  schema: {type: integer, minimum: 1, maximum: 1000, default: 100}
              responses:
                "200":
                  description: Entries as they stand in the log.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items, next, isComplete]
                        properties:
                          items: {type: array, items: {type: object}}
                          next: {type: integer}
                          isComplete: {type: boolean}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/audit/checkpoint:
            get:
              operationId: getCheckpoint
              summary: The signed checkpoint (C2SP tlog-checkpoint) of the log as it is now.
              responses: &auditText
                "200":
                  description: Text.
                  content:
                    text/plain: {schema: {type: string}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/audit/verifier-key:
            get:
              operationId: getVerifierKey
              summary: The public key of the checkpoints, as name+hash+base64.
              responses: *auditText
          /v1/audit/tile/{path}:
            get:
              operationId: getTile
              summary: >-
                A tile or entry bundle (C2SP tlog-tiles). The path may hold slashes, such as
                0/x001/067 or entries/000.p/5.
              parameters:
                - {name: path, in: path, required: true, schema: {type: string, minLength: 1}}
              responses:
                "200":
                  description: The tile.
                  content:
                    application/octet-stream: {schema: {type: string, format: binary}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/audit/exports:
            post:
              operationId: beginAuditExport
              summary: Record that the log is exported; answers the checkpoint to export up to.
              responses: *auditText

        """

    static let tokenPaths = """
          /oauth2/token:
            post:
              operationId: getToken
              summary: OAuth 2.0 client credentials (RFC 6749 §4.4), by Basic or form.
              security: []
              requestBody:
                required: true
                content:
                  application/x-www-form-urlencoded:
                    schema: {$ref: "#/components/schemas/TokenForm"}
              responses: &tokenResponses
                "200":
                  description: An access token.
                  headers: {cache-control: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Token"}}
                "400": {$ref: "#/components/responses/OAuthError"}
                "401": {$ref: "#/components/responses/OAuthError"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "503": {$ref: "#/components/responses/OAuthError"}
          /auth/realms/streams/protocol/openid-connect/token:
            post:
              operationId: getTokenOlder
              summary: >-
                The same for clients of the older protocol, with a refresh token; grant
                refresh_token too.
              security: []
              requestBody:
                required: true
                content:
                  application/x-www-form-urlencoded:
                    schema: {$ref: "#/components/schemas/OlderTokenForm"}
              responses: *tokenResponses
          /auth:
            post:
              operationId: authenticate
              summary: Token for clients of the older protocol.
              security: []
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [clientId, clientSecret]
                      properties:
                        billingId: {type: [string, "null"]}
                        clientId: {type: string}
                        clientSecret: {type: string}
              responses: &olderResponses
                "200":
                  description: A token.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [idToken, refreshToken, expiresAt]
                        properties:
                          idToken: {type: string}
                          refreshToken: {type: string}
                          expiresAt: {type: integer, description: Seconds since 1970.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /refresh:
            post:
              operationId: refresh
              summary: A new token for a refresh token.
              security: []
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [refreshToken]
                      properties: {refreshToken: {type: string}}
              responses: *olderResponses
          /.well-known/jwks.json:
            get:
              operationId: getKeySet
              summary: The public keys of the tokens (RFC 7517).
              security: []
              responses: &openJSON
                "200":
                  description: JSON.
                  content:
                    application/json: {schema: {type: object}}
                "503": {$ref: "#/components/responses/Unavailable"}
          /.well-known/oauth-authorization-server:
            get:
              operationId: getMetadata
              summary: Metadata of the authorization server (RFC 8414).
              security: []
              responses: *openJSON

        """

    static let operationPaths = """
          /healthz:
            get:
              operationId: isUp
              summary: The process is up.
              security: []
              responses: *openJSON
          /is-alive:
            get: {operationId: isAlive, summary: The same., security: [], responses: *openJSON}
          /readyz:
            get:
              operationId: isReady
              summary: Events are taken and the audit log can be written; else 503 with the reason.
              security: []
              responses: *openJSON
          /metrics:
            get:
              operationId: getMetrics
              summary: Metrics in Prometheus text format 0.0.4.
              security: []
              responses:
                "200":
                  description: Text.
                  content:
                    text/plain: {schema: {type: string}}
                "503": {$ref: "#/components/responses/Unavailable"}
          /openapi.yaml:
            get:
              operationId: getOpenAPI
              summary: This document.
              security: []
              responses:
                "200":
                  description: YAML.
                  content:
                    application/yaml: {schema: {type: object}}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/status:
            get:
              operationId: getStatus
              summary: Version, streams, audit, keys, disk (administrator, dpo, auditor).
              responses:
                "200":
                  description: The status.
                  content:
                    application/json: {schema: {type: object}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/clock/confirm:
            post:
              operationId: confirmClock
              summary: >-
                Say that the clock is right; what is due may be destroyed from then on
                (administrator).
              responses: *change

        """
}
