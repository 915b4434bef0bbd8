import Query
import Subjects

extension OpenAPIDocument {
    static let subjectPaths = """
          /v1/subjects/links:
            post:
              operationId: listSubjectLinks
              summary: >-
                The sequences (key links) that are on record for a person (dpo). The question is in
                the audit log, with a keyed hash of the person.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [subject]
                      additionalProperties: false
                      properties:
                        subject: &subject
                          type: string
                          minLength: 1
                          maxLength: \(DataSubject.bytesMax)
                          description: >-
                            The value of the data-subject field, as events hold it; a number's
                            digits. In no URL, log, error or audit entry.
                        streams: &subjectStreams
                          type: [array, "null"]
                          minItems: 1
                          items: {type: string, minLength: 1}
                          description: Absent or null, all streams.
              responses:
                "200":
                  description: The links.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [person, at, items]
                        properties:
                          person: &personHash
                            type: string
                            pattern: "^[0-9a-f]{64}$"
                            description: The keyed hash that the audit log and receipts have.
                          at: {type: string, format: date-time}
                          items: {type: array, items: {$ref: "#/components/schemas/SubjectLink"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/subjects/access:
            post:
              operationId: accessSubject
              summary: >-
                What is held about a person, a part at a time (dpo): events with every field opened
                whose key is there, of shared sequences only those about this person. On record
                before the first byte leaves, as a use of the data.
              description: >-
                A part has at most \(Query.AccessRequest.limitMax) events and 8 MiB, or one event,
                and looks at \(Query.accessScannedMax) events; it may be empty and not the last.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [subject]
                      additionalProperties: false
                      properties:
                        subject: *subject
                        streams: *subjectStreams
                        from: {type: [string, "null"], pattern: "\(timePattern)"}
                        to:
                          type: [string, "null"]
                          pattern: "\(timePattern)"
                          description: Exclusive.
                        limit:
                          type: [integer, "null"]
                          minimum: 1
                          maximum: \(Query.AccessRequest.limitMax)
                        cursor:
                          type: [string, "null"]
                          pattern: "^a1-[0-9]{1,20}-[0-9]{1,20}-[0-9]{1,20}$"
                          description: The nextCursor of the part before.
              responses:
                "200":
                  description: A part. The first has a head.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/SubjectAccess"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/subjects/erasures:
            post:
              operationId: eraseSubject
              summary: >-
                Erase a person (dpo). When this answers, nothing that was sealed before can be
                opened; the keys are destroyed for good with the next batch, or with now before it
                answers. Asking again is harmless.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [subject]
                      additionalProperties: false
                      properties:
                        subject: *subject
                        streams: *subjectStreams
                        fence:
                          type: [boolean, "null"]
                          description: Later events of the person are refused (subject-fenced).
                        now:
                          type: [boolean, "null"]
                          description: Destroy the keys before answering.
                        reference:
                          type: [string, "null"]
                          pattern: "\(ErasureRequest.referencePattern)"
                          description: >-
                            What to file it under. It stands in the audit log and the receipt and
                            must not name the person.
              responses:
                "200":
                  description: The keys are destroyed.
                  content: &erasureContent
                    application/json:
                      schema:
                        allOf:
                          - {$ref: "#/components/schemas/Erasure"}
                          - type: object
                            required: [isRepeated, receipt]
                            properties:
                              isRepeated:
                                type: boolean
                                description: >-
                                  Nothing more was there: this is what was asked for before.
                              receipt: &receipt
                                oneOf:
                                  - {type: "null"}
                                  - {$ref: "#/components/schemas/SignedReceipt"}
                "202":
                  description: The keys are unusable and will be destroyed by dueAt.
                  content: *erasureContent
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
                "507": {$ref: "#/components/responses/DiskFull"}
          /v1/subjects/fences/lift:
            post:
              operationId: liftFence
              summary: Take events of an erased person again (dpo).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [subject]
                      additionalProperties: false
                      properties:
                        subject: *subject
                        streams: *subjectStreams
              responses:
                "200":
                  description: The streams in which they were refused.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [streams]
                        properties: {streams: {type: array, items: {type: string}}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
                "507": {$ref: "#/components/responses/DiskFull"}
          /v1/erasures:
            get:
              operationId: listErasures
              summary: The erasures, oldest first (dpo). People are keyed hashes.
              parameters:
                - {name: state, in: query, schema: {type: string, enum: [requested, destroyed]}}
                - name: after
                  in: query
                  description: The next of the page before.
                  schema: {type: integer, minimum: 0}
                - name: limit
                  in: query
                  schema: {type: integer, minimum: 1, maximum: 1000, default: 100}
              responses:
                "200":
                  description: One page.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items, next]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Erasure"}}
                          next: {type: [integer, "null"]}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/erasures/{id}:
            parameters: &erasureId
              - name: id
                in: path
                required: true
                schema: {type: string, pattern: "^e-[A-Za-z0-9_-]{1,62}$"}
            get:
              operationId: getErasure
              summary: One erasure, with its receipt once the keys are destroyed (dpo).
              responses:
                "200":
                  description: The erasure.
                  content:
                    application/json:
                      schema:
                        allOf:
                          - {$ref: "#/components/schemas/Erasure"}
                          - type: object
                            required: [receipt]
                            properties: {receipt: *receipt}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/erasures/{id}/receipt:
            parameters: *erasureId
            get:
              operationId: getReceipt
              summary: The signed receipt, byte for byte as it was issued (dpo).
              responses:
                "200":
                  description: The receipt.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/SignedReceipt"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """

    static let subjectSchemas = """
            SubjectLink:
              type: object
              required:
                [keyLink, stream, createdAt, sealsUntil, destroyedAt, isErased, isOpenable]
              properties:
                keyLink: {type: string}
                stream: {type: string}
                createdAt: {type: [string, "null"]}
                sealsUntil: {type: [string, "null"]}
                destroyedAt:
                  type: [string, "null"]
                  description: When its key is destroyed by itself; null if it is gone.
                isErased: {type: boolean}
                isOpenable: {type: boolean}
            SubjectAccess:
              type: object
              required: [person, at, events, contracts, consents, passedOver, nextCursor]
              properties:
                person: {type: string, pattern: "^[0-9a-f]{64}$"}
                at: {type: string, format: date-time}
                head:
                  type: object
                  description: Only of the first part.
                  required: [streams, links, purposes, recipients, notCovered]
                  properties:
                    streams:
                      type: array
                      items:
                        type: object
                        required: [name, retentionDays]
                        properties: {name: {type: string}, retentionDays: {type: integer}}
                    links: {type: array, items: {$ref: "#/components/schemas/SubjectLink"}}
                    purposes:
                      type: array
                      items:
                        type: object
                        required: [level, name, description, legalBasis, owner]
                        properties:
                          level: {type: integer}
                          name: {type: string}
                          description: {type: string}
                          legalBasis: {type: string}
                          owner: {type: string}
                    recipients: {$ref: "#/components/schemas/AuditRecipients"}
                    notCovered: {type: array, items: {type: string}}
                events:
                  type: array
                  items:
                    type: object
                    required:
                      [stream, partition, offset, at, expiresAt, keyLink, contract, consentLevels,
                       openedFields, sealedFields, event]
                    properties:
                      stream: {type: string}
                      partition: {type: integer}
                      offset: {type: integer}
                      at: {type: string, format: date-time}
                      expiresAt: {type: string, format: date-time}
                      keyLink: {type: string}
                      contract: {type: string}
                      consentLevels: {type: array, items: {type: integer}}
                      openedFields: {type: integer}
                      sealedFields: {type: integer, description: Their key is gone.}
                      event: {type: object}
                contracts:
                  type: array
                  items:
                    type: object
                    required: [contract, dataSubjectField, personalFields]
                    properties:
                      contract: {type: string}
                      dataSubjectField: {type: [string, "null"]}
                      personalFields:
                        type: array
                        items:
                          type: object
                          required: [field, level]
                          properties: {field: {type: string}, level: {type: integer}}
                consents:
                  type: array
                  description: Consecutive events of a stream with the same levels.
                  items:
                    type: object
                    required: [stream, levels, from, to, events]
                    properties:
                      stream: {type: string}
                      levels: {type: array, items: {type: integer}}
                      from: {type: string, format: date-time}
                      to: {type: string, format: date-time}
                      events: {type: integer}
                passedOver:
                  type: object
                  description: >-
                    Events of the person's sequences that are not given out: about somebody else,
                    about nobody, or not to be told because the field is sealed and its key gone.
                  required: [otherPeople, nameless, undecided]
                  properties:
                    otherPeople: {type: integer}
                    nameless: {type: integer}
                    undecided: {type: integer}
                nextCursor: {type: [string, "null"]}
            Erasure:
              type: object
              required:
                [id, number, state, person, reference, requestedAt, requestedBy, dueAt,
                 destroyedAt, fence, dataKeys]
              properties:
                id: {type: string}
                number: {type: integer}
                state:
                  type: string
                  enum: [requested, destroyed]
                  description: In both the person's fields cannot be opened any more.
                person: {type: string, pattern: "^[0-9a-f]{64}$"}
                reference: {type: [string, "null"]}
                requestedAt: {type: string, format: date-time}
                requestedBy: {type: string}
                dueAt: {type: [string, "null"]}
                destroyedAt: {type: [string, "null"]}
                fence: {type: boolean}
                dataKeys: {type: integer}
            SignedReceipt:
              type: object
              description: >-
                Signed by the audit log's key as \(SubjectService.receiptKeyName); docs/people.md
                describes the members and how to verify it.
              required: [receipt, signature]
              properties:
                receipt: {type: object}
                signature: {type: string}

        """
}
