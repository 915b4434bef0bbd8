import Audit

extension OpenAPIDocument {
    private static let times = """
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: to
                  in: query
                  description: Exclusive.
                  schema: {$ref: "#/components/schemas/Time"}
        """

    private static let places = """
                - {name: stream, in: query, schema: {type: string, minLength: 1}}
                - {name: derivedStream, in: query, schema: {type: string, minLength: 1}}
                - {name: purpose, in: query, schema: {type: integer, minimum: 0, maximum: 63}}
        """

    private static let refusals = """
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
        """

    static let auditQuestionPaths = """
          /v1/audit/readers:
            get:
              operationId: listReadersOfField
              summary: Who got values of a field, how many, of how many sequences (auditor, dpo, administrator).
              description: >-
                All entries between the times are looked at. Keys that were handed out count as
                reading, because they open the field.
              parameters:
                - name: field
                  in: query
                  required: true
                  description: The path of a personal field, as its contract has it.
                  schema: {type: string, minLength: 1}
        \(times)
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - name: act
                  in: query
                  schema:
                    type: string
                    enum: [release, subjectAccessed, keysExported, rejectionShown]
        \(places)
              responses: &auditUses
                "200":
                  description: The uses, and what the answer rests on.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/AuditUses"}}
        \(refusals)
          /v1/audit/reads:
            get:
              operationId: listReads
              summary: What was read, by one client or by all (auditor, dpo, administrator).
              parameters:
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - {name: field, in: query, schema: {type: string, minLength: 1}}
                - name: act
                  in: query
                  schema:
                    type: string
                    enum: [release, subjectAccessed, keysExported, rejectionShown]
        \(times)
        \(places)
              responses: *auditUses
          /v1/audit/purposes:
            get:
              operationId: listUsesByPurpose
              summary: For which purposes fields were opened, and by whom (auditor, dpo, administrator).
              parameters:
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - {name: field, in: query, schema: {type: string, minLength: 1}}
        \(times)
        \(places)
              responses:
                "200":
                  description: The uses of each level that was used.
                  content:
                    application/json:
                      schema:
                        type: object
                        required:
                          [items, keysExported, isCut, unknownEntries, basis, notKnown]
                        properties:
                          items:
                            type: array
                            items:
                              description: >-
                                A level under one of its meanings: one that got another name or
                                legal basis is there once for each.
                              type: object
                              required:
                                [level, name, legalBasis, owner, isDeclared, decidedIn, since,
                                uses]
                              properties:
                                level: {type: integer}
                                name: {type: [string, "null"]}
                                legalBasis: {type: [string, "null"]}
                                owner: {type: [string, "null"]}
                                isDeclared: {type: boolean}
                                decidedIn:
                                  description: The entry of the decision; null, none is on record.
                                  type: [integer, "null"]
                                since: {type: [string, "null"]}
                                uses:
                                  type: array
                                  items: {$ref: "#/components/schemas/AuditUse"}
                          keysExported:
                            description: Data keys that were handed out open fields of every level.
                            type: array
                            items: {$ref: "#/components/schemas/AuditUse"}
                          isCut: {type: boolean}
                          unknownEntries: {$ref: "#/components/schemas/NumberRanges"}
                          basis: {$ref: "#/components/schemas/AuditBasis"}
                          notKnown: {type: array, items: {type: string}}
        \(refusals)
          /v1/audit/decisions:
            get:
              operationId: listDecisions
              summary: Who decided what may happen to personal data (auditor, dpo, administrator).
              description: Go on with after=next until isComplete.
              parameters:
                - name: act
                  in: query
                  schema:
                    type: string
                    enum: [\(Act.decisions.map(\.rawValue).joined(separator: ", "))]
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - name: field
                  in: query
                  description: Decisions on contracts that make this field personal.
                  schema: {type: string, minLength: 1}
        \(times)
        \(places)
                - name: after
                  in: query
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
                        required: [items, next, isComplete, logSize, logRoot]
                        properties:
                          items: {type: array, items: {type: object}}
                          next: {type: integer}
                          isComplete: {type: boolean}
                          logSize: {type: integer}
                          logRoot: {type: string}
        \(refusals)
          /v1/audit/recipients:
            post:
              operationId: listRecipientsOfPerson
              summary: >-
                Who received fields of a person: clients, derived streams, purposes, exports, with
                times and entries (auditor, dpo, administrator). The question is on record, with
                the keyed hash of the person.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [subject]
                      additionalProperties: false
                      properties:
                        subject:
                          type: string
                          minLength: 1
                          description: The value of a contract's data-subject field.
                        streams:
                          description: Names; absent, all streams.
                          type: [array, "null"]
                          items: {type: string}
                        from: {type: [string, "null"], format: date-time}
                        to: {type: [string, "null"], format: date-time, description: Exclusive.}
                        client: {type: [string, "null"]}
                        derivedStream: {type: [string, "null"]}
                        purpose: {type: [integer, "null"], minimum: 0, maximum: 63}
                        field:
                          description: What left without it is not counted; data keys open it.
                          type: [string, "null"]
                        act:
                          type: [string, "null"]
                          enum: [release, keysExported, subjectAccessed, null]
              responses:
                "200":
                  description: The recipients, and what the answer rests on.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [streams, keyLinks, erasures, answer]
                        properties:
                          streams: {type: array, items: {type: string}}
                          keyLinks: {type: integer, description: Of the person; one a day.}
                          erasures:
                            description: >-
                              Of the person. If keyLinksKnown is less than dataKeys, who received
                              something up to then stands in the receipt alone.
                            type: array
                            items:
                              type: object
                              required:
                                [id, requestedAt, dataKeys, keyLinksKnown, recipientsUpToThen]
                          answer: {$ref: "#/components/schemas/AuditRecipients"}
        \(refusals)
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
          /v1/audit/report:
            get:
              operationId: getProcessingReport
              summary: >-
                The record of processing of a period: what is declared beside what was observed
                (auditor, dpo, administrator).
              parameters:
        \(times)
                - name: format
                  in: query
                  description: html is one document for printing.
                  schema: {type: string, enum: [json, html], default: json}
              responses:
                "200":
                  description: The report.
                  content:
                    application/json:
                      schema:
                        type: object
                        required:
                          [period, madeAt, declared, observed, neverUsed, notDeclared, basis,
                          unknownEntries, notKnown]
                    text/html: {schema: {type: string}}
        \(refusals)

        """

    static let auditQuestionSchemas = """
            NumberRanges:
              type: object
              required: [ranges, isCut]
              properties:
                ranges:
                  description: First and last number of each range.
                  type: array
                  items: {type: array, items: {type: integer}, minItems: 2, maxItems: 2}
                isCut: {type: boolean, description: There were more than 1000 ranges.}
            AuditBasis:
              description: What an answer rests on.
              type: object
              required: [firstEntry, endEntry, entriesLookedAt, entriesMatched, logSize, logRoot]
              properties:
                firstEntry: {type: integer}
                endEntry: {type: integer, description: The first that was not looked at.}
                entriesLookedAt: {type: integer}
                entriesMatched: {type: integer}
                logSize: {type: integer}
                logRoot: {type: string, description: Base64 of the root hash of that size.}
            AuditRecipients:
              type: object
              required:
                [recipients, isCut, exactAfter, unknownEntries, rejectionsShown, basis, notKnown]
              properties:
                recipients:
                  type: array
                  items:
                    type: object
                    required:
                      [act, client, role, stream, derivedStream, purposes, fields, hashedFields,
                      fieldsMayBeMore, events, hashedEvents, keyLinks, firstAt, lastAt, exporter,
                      connector, objects, objectsOmitted, entries, offsets]
                isCut: {type: boolean}
                exactAfter:
                  description: Exact for what happened after this; null, for all.
                  type: [string, "null"]
                unknownEntries: {$ref: "#/components/schemas/NumberRanges"}
                rejectionsShown: {$ref: "#/components/schemas/NumberRanges"}
                basis: {$ref: "#/components/schemas/AuditBasis"}
                notKnown: {type: array, items: {type: string}}
            AuditCount:
              type: object
              required: [value, isLowerBound]
              properties: {value: {type: integer}, isLowerBound: {type: boolean}}
            AuditUse:
              type: object
              required:
                [act, client, role, stream, derivedStream, purposes, contracts, fields,
                hashedFields, events, sequences, firstAt, lastAt, exporter, connector, entryCount,
                entries, hashedEntries, offsets, isPartial, isUpperBound]
              properties:
                act: {type: string}
                client: {type: string}
                role: {type: string}
                stream: {type: string}
                derivedStream: {type: [string, "null"]}
                purposes: {type: array, items: {type: integer}}
                contracts: {type: array, items: {type: string}}
                fields:
                  type: array
                  items:
                    type: object
                    required: [field, values]
                    properties: {field: {type: string}, values: {type: integer}}
                hashedFields: {type: array, items: {type: string}}
                events: {type: integer}
                sequences: {$ref: "#/components/schemas/AuditCount"}
                firstAt: {type: string}
                lastAt: {type: string}
                exporter: {type: [string, "null"]}
                connector: {type: [string, "null"]}
                entryCount: {type: integer}
                entries: {$ref: "#/components/schemas/NumberRanges"}
                hashedEntries: {$ref: "#/components/schemas/NumberRanges"}
                offsets:
                  type: array
                  items:
                    type: object
                    required: [partition, offsets]
                    properties:
                      partition: {type: integer}
                      offsets: {$ref: "#/components/schemas/NumberRanges"}
                isPartial: {type: boolean}
                isUpperBound:
                  description: >-
                    A purpose was asked for, and older entries of several purposes are among these,
                    which do not tell whose values they were.
                  type: boolean
            AuditUses:
              type: object
              required: [uses, isCut, unknownEntries, basis, notKnown]
              properties:
                field: {type: string}
                client: {type: [string, "null"]}
                uses: {type: array, items: {$ref: "#/components/schemas/AuditUse"}}
                isCut: {type: boolean}
                unknownEntries: {$ref: "#/components/schemas/NumberRanges"}
                basis: {$ref: "#/components/schemas/AuditBasis"}
                notKnown: {type: array, items: {type: string}}

        """
}
