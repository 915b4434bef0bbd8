import Audit
import Store

extension OpenAPIDocument {
    /// RFC 3339 in UTC; narrower than what is taken (no 29th of a month), so that each match is a
    /// time. Backslashes as a double-quoted YAML text wants them.
    static let timePattern =
        "^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
        + #"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$"#

    static let components = """
        components:
          securitySchemes:
            bearer: {type: http, scheme: bearer, bearerFormat: JWT}
          parameters:
            Stream:
              name: stream
              in: path
              required: true
              schema: {type: string, pattern: "\(StreamName.pattern)"}
            Handle: {name: handle, in: path, required: true, schema: {type: string, minLength: 1}}
            Name: {name: name, in: path, required: true, schema: {type: string, minLength: 1}}
            Version: {name: version, in: path, required: true, schema: {type: string, minLength: 1}}
            SchemaRef:
              name: strm-schema-ref
              in: header
              description: >-
                handle/name/version of the schema; if given, the contract must belong to it.
              schema: {type: string}
            SchemaId:
              name: strm-schema-id
              in: header
              description: The older name of strm-schema-ref.
              schema: {type: string}
          responses:
            Invalid: &problem
              description: An RFC 9457 problem document.
              content:
                application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
            EventRefused:
              description: >-
                The event was refused; pointer, rule and expected say why. Or the query is none that
                is taken.
              content:
                application/problem+json:
                  schema:
                    anyOf:
                      - {$ref: "#/components/schemas/RuleProblem"}
                      - {$ref: "#/components/schemas/InvalidRequest"}
            ContractRefused:
              description: The contract was refused; pointer, rule and expected say why.
              content:
                application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
            ConnectorTestFailed:
              description: The bucket cannot be used; the detail says what is missing.
              content:
                application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
            Unauthorized:
              description: There is no valid token; the same answer for every reason.
              headers: {www-authenticate: {required: true, schema: {type: string}}}
              content:
                application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
            Forbidden: *problem
            NotFound: *problem
            Conflict: *problem
            TooLarge: *problem
            UnsupportedMediaType: *problem
            Unavailable: &later
              description: Not now. Repeat after the seconds of retry-after.
              headers: {retry-after: {required: true, schema: {type: integer}}}
              content:
                application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
            DiskFull: *later
            OAuthError:
              description: An error of RFC 6749 §5.2.
              content:
                application/json:
                  schema:
                    type: object
                    required: [error, error_description]
                    properties: {error: {type: string}, error_description: {type: string}}
          schemas:
            Time:
              description: Milliseconds since 1970, or RFC 3339.
              anyOf:
                - {type: integer, minimum: 0, maximum: 253402300799999}
                - type: string
                  pattern: "\(timePattern)"
            Act:
              type: string
              enum: [\(Act.allCases.map(\.rawValue).joined(separator: ", "))]
            Event:
              type: object
              required: [strmMeta]
              properties:
                strmMeta:
                  type: object
                  required: [eventContractRef, consentLevels]
                  properties:
                    eventContractRef: {type: string}
                    consentLevels: {type: array, items: {type: integer, minimum: 0, maximum: 63}}
            Problem:
              type: object
              required: [type, title, status]
              properties:
                type: {type: string, format: uri}
                title: {type: string}
                status: {type: integer}
                detail: {type: string}
            RuleProblem:
              allOf:
                - {$ref: "#/components/schemas/Problem"}
                - type: object
                  required: [pointer, rule, expected]
                  properties:
                    pointer: {type: string}
                    rule: {type: string}
                    expected: {type: string}
                    ruleId:
                      type: string
                      description: Which validation of the contract was broken.
                    message:
                      type: string
                      description: What the author of the validation tells the sender.
            BatchResult:
              type: object
              required: [accepted, refused]
              properties:
                accepted: {type: integer}
                refused:
                  type: array
                  items:
                    type: object
                    required: [line, type, pointer, rule, expected]
                    properties:
                      line: {type: integer, minimum: 1}
                      type: {type: string, format: uri}
                      pointer: {type: string}
                      rule: {type: string}
                      expected: {type: string}
                      ruleId: {type: string}
                      message: {type: string}
                fenced:
                  type: integer
                  description: >-
                    So many events were refused for good because their data subject was erased with
                    a fence.
                stoppedAtLine:
                  type: integer
                  description: This line and those after it were not looked at.
            BatchProblem:
              allOf:
                - {$ref: "#/components/schemas/Problem"}
                - {$ref: "#/components/schemas/BatchResult"}
            ContractDocument:
              type: object
              required: [ref, schema, keyField]
              properties:
                ref: &ref
                  type: object
                  required: [handle, name, version]
                  properties:
                    handle: {type: string, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
                    name: {type: string, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
                    version: {type: string, pattern: "^[0-9]{1,9}\\\\.[0-9]{1,9}\\\\.[0-9]{1,9}"}
                schema:
                  type: object
                  required: [ref, definition]
                  properties:
                    ref:
                      allOf:
                        - *ref
                        - type: object
                          properties:
                            schemaType:
                              type: [string, "null"]
                              enum: [AVRO, JSON_SCHEMA, JSON, SIMPLE, null]
                              default: AVRO
                    definition: {type: [object, string]}
                keyField: {type: string}
                dataSubjectField: {type: [string, "null"]}
                fieldMetadata: {type: [array, "null"], items: {type: object}}
                validations:
                  type: [array, "null"]
                  maxItems: 256
                  items:
                    type: object
                    required: [field, type]
                    properties:
                      id: {type: [string, "null"], pattern: "^[A-Za-z0-9._-]{1,64}$"}
                      field: {type: string}
                      type: {type: string, enum: [regex, enum, range, length, format, required-if]}
                      message: {type: [string, "null"], maxLength: 200}
            ContractDifference:
              type: object
              required: [changes, breaks, needsApproval]
              properties:
                changes:
                  type: array
                  maxItems: 1001
                  items:
                    type: object
                    required: [path, change, breaks]
                    properties:
                      path: {type: string}
                      change: {type: string}
                      breaks:
                        type: array
                        items: {type: string, enum: [backward, forward, privacy]}
                breaks:
                  type: object
                  required: [backward, forward, privacy]
                  properties:
                    backward: {type: boolean}
                    forward: {type: boolean}
                    privacy: {type: boolean}
                needsApproval: {type: boolean}
            ContractPreview:
              type: object
              required: [dryRun, ref, schemaRef, schemaType, personalFields, validations, document]
              properties:
                dryRun: {type: boolean, const: true}
                ref: {type: string}
                schemaRef: {type: string}
                schemaType: {type: string}
                personalFields:
                  type: array
                  items:
                    type: object
                    required: [path, purposeLevel, isQuasiId]
                    properties:
                      path: {type: string}
                      purposeLevel: {type: integer}
                      isQuasiId: {type: boolean}
                validations: {type: array, items: {type: string}}
                document: {type: object}
                translation:
                  type: object
                  description: The Avro schema that a Simple Schema is translated to.
            Contract:
              type: object
              required: [ref, schemaRef, state, number, createdAt, createdBy]
              properties:
                ref: {type: string}
                schemaRef: {type: string}
                state: {type: string, enum: [draft, inReview, approved, active, archived]}
                number: {type: integer}
                createdAt: {type: string, format: date-time}
                createdBy: {type: string}
                editedBy:
                  type: array
                  items: {type: string}
                  description: Clients that changed the draft or asked for its review.
                approval: {$ref: "#/components/schemas/Approval"}
                comparison:
                  type: object
                  description: >-
                    Of one that is not active yet: what changes against the newest version that
                    is or was, in the form of compareContracts; not in lists.
                warnings:
                  type: array
                  description: What a reviewer should know; not in lists.
                  items:
                    type: object
                    required: [pointer, rule, text]
                    properties:
                      pointer: {type: string}
                      rule: {type: string}
                      text: {type: string}
                document: {type: object}
            Approval:
              type: object
              required: [state, isSelfApproved]
              properties:
                state: {type: string, enum: [pending, approved, rejected]}
                decidedBy: {type: string}
                decidedAt: {type: string, format: date-time}
                reason: {type: string}
                isSelfApproved:
                  type: boolean
                  description: Who decided had asked for it; a single-person installation.
            Reason:
              type: object
              required: [reason]
              additionalProperties: false
              properties:
                reason: {type: string, minLength: 1, maxLength: 500}
            NewPurpose:
              type: object
              required: [name, description, legalBasis, owner]
              additionalProperties: false
              properties:
                name: {type: string, minLength: 1, maxLength: 100}
                description: {type: string, minLength: 1, maxLength: 1000}
                legalBasis: &legalBasis
                  type: string
                  description: One of the six of article 6(1) GDPR.
                  enum:
                    - consent
                    - contract
                    - legalObligation
                    - vitalInterests
                    - publicTask
                    - legitimateInterests
                owner: {type: string, minLength: 1, maxLength: 100}
            Purpose:
              type: object
              required: [level, name, description, legalBasis, owner, changedAt, changedBy]
              properties:
                level: {type: integer, minimum: 0, maximum: 63}
                name: {type: string}
                description: {type: string}
                legalBasis: *legalBasis
                owner: {type: string}
                changedAt: {type: string, format: date-time}
                changedBy: {type: string}
            NewStream:
              oneOf:
                - type: object
                  required: [name]
                  additionalProperties: false
                  properties:
                    name: &streamName {type: string, pattern: "\(StreamName.pattern)"}
                    retentionDays: {type: [integer, "null"], minimum: 1, maximum: 400}
                    keepsRejections:
                      type: [boolean, "null"]
                      description: Keep the bodies of refused events, sealed.
                    derivedFrom: &unset {type: "null"}
                    levels: *unset
                    cumulative: *unset
                - type: object
                  required: [derivedFrom, levels]
                  additionalProperties: false
                  properties:
                    derivedFrom: *streamName
                    levels:
                      type: array
                      minItems: 1
                      uniqueItems: true
                      items: {type: integer, minimum: 0, maximum: 63}
                    name: &chosenName {type: [string, "null"], pattern: "\(StreamName.pattern)"}
                    masks: &newMasks
                      type: [array, "null"]
                      maxItems: \(MaskRule.countMax)
                      items: {$ref: "#/components/schemas/NewMask"}
                    cumulative: *unset
                    retentionDays: *unset
                - type: object
                  required: [derivedFrom, cumulative]
                  additionalProperties: false
                  properties:
                    derivedFrom: *streamName
                    cumulative: {type: integer, minimum: 0, maximum: 63}
                    name: *chosenName
                    masks: *newMasks
                    levels: *unset
                    retentionDays: *unset
            Stream:
              type: object
              required: [name, kind, createdAt, createdBy]
              properties:
                name: {type: string}
                kind: {type: string, enum: [stream, derived-stream]}
                derivedFrom: {type: string}
                id: {type: integer, description: Of a derived stream; never given twice.}
                levels: {type: array, items: {type: integer}}
                cumulative: {type: integer}
                purposes:
                  type: array
                  items:
                    type: object
                    required: [level, name]
                    properties:
                      level: {type: integer}
                      name: {type: [string, "null"]}
                state:
                  type: string
                  enum: [pending, approved, rejected]
                  description: Of a derived stream; it can be read while it is approved.
                approval: {$ref: "#/components/schemas/Approval"}
                retentionDays: {type: integer}
                keepsRejections: {type: boolean}
                allowsKeyExport: {type: boolean}
                masks: {type: array, items: {$ref: "#/components/schemas/Mask"}}
                createdAt: {type: string, format: date-time}
                createdBy: {type: string}
            CreatedStream:
              allOf:
                - {$ref: "#/components/schemas/Stream"}
                - type: object
                  required: [client]
                  properties: {client: {$ref: "#/components/schemas/Credentials"}}
            NewClient:
              oneOf:
                - type: object
                  required: [role]
                  additionalProperties: false
                  properties:
                    role: {type: string, enum: [author, auditor, dpo, administrator]}
                    scope: {type: "null"}
                - type: object
                  required: [role, scope]
                  additionalProperties: false
                  properties:
                    role: {type: string, enum: [sender, reader, streamOwner]}
                    scope: *streamName
            Client:
              type: object
              required: [clientId, role, scope, createdAt, isDisabled]
              properties:
                clientId: {type: string}
                role: {type: string}
                scope: {type: [string, "null"]}
                createdAt: {type: string, format: date-time}
                isDisabled: {type: boolean}
            Credentials:
              type: object
              required: [clientId, clientSecret, role, scope]
              properties:
                clientId: {type: string}
                clientSecret: {type: string}
                role: {type: string}
                scope: {type: [string, "null"]}
            TokenForm:
              type: object
              required: [grant_type]
              properties:
                grant_type: {type: string, enum: [client_credentials]}
                client_id: {type: string}
                client_secret: {type: string}
                scope: {type: string}
            OlderTokenForm:
              type: object
              required: [grant_type]
              properties:
                grant_type: {type: string, enum: [client_credentials, refresh_token]}
                client_id: {type: string}
                client_secret: {type: string}
                refresh_token: {type: string}
                scope: {type: string}
            Token:
              type: object
              required: [access_token, token_type, expires_in]
              properties:
                access_token: {type: string}
                token_type: {type: string, enum: [Bearer]}
                expires_in: {type: integer}
                expires_at: {type: integer, description: Seconds since 1970.}
                refresh_token: {type: string}
                scope: {type: string}

        """
}
