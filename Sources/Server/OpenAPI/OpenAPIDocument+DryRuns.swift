import Store

extension OpenAPIDocument {
    static let dryRunPaths = """
          /v1/dry-runs:
            post:
              operationId: measureNewDerivedStream
              summary: >-
                Count what a derived stream would show of the stored events, before it is made
                (administrator, dpo). No value of an event is in the answer.
              requestBody:
                required: true
                content:
                  application/json: {schema: {$ref: "#/components/schemas/DryRunQuestion"}}
              responses:
                "200": &counts
                  description: The counts.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/DryRun"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}/dry-run:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
              - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
            get:
              operationId: measureDerivedStream
              summary: >-
                Count what a derived stream shows of the stored events (administrator, dpo). No
                value of an event is in the answer.
              responses:
                "200": *counts
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """

    static let dryRunSchemas = """
            NewMask:
              oneOf:
                - type: object
                  required: [contract, field]
                  additionalProperties: false
                  properties:
                    contract: &maskedContract
                      type: string
                      maxLength: 256
                      description: handle/name for every version, or handle/name/version.
                    field: &maskedField
                      type: string
                      maxLength: 1024
                      description: The path of a value in the contract's schema.
                    type: {type: [string, "null"], enum: [hmac-sha256, null]}
                    seed: {type: "null"}
                - type: object
                  required: [contract, field, type, seed]
                  additionalProperties: false
                  properties:
                    contract: *maskedContract
                    field: *maskedField
                    type: {type: string, enum: [murmur3]}
                    seed: {type: integer, minimum: 0, maximum: 4294967295}
            Mask:
              type: object
              required: [contract, field, type]
              properties:
                contract: {type: string}
                field: {type: string}
                type: {type: string, enum: [hmac-sha256, murmur3]}
                weak:
                  type: boolean
                  description: Of murmur3; whoever guesses a value can check the guess.
            DryRunQuestion:
              oneOf:
                - type: object
                  required: [derivedFrom, levels]
                  additionalProperties: false
                  properties:
                    derivedFrom: &measuredStream {type: string, pattern: "\(StreamName.pattern)"}
                    levels:
                      type: array
                      minItems: 1
                      uniqueItems: true
                      items: {type: integer, minimum: 0, maximum: 63}
                    cumulative: {type: "null"}
                    masks: &measuredMasks
                      type: [array, "null"]
                      maxItems: \(MaskRule.countMax)
                      items: {$ref: "#/components/schemas/NewMask"}
                    name: &measuredName {type: [string, "null"]}
                    from: &measuredFrom {type: [string, "null"], pattern: "\(timePattern)"}
                - type: object
                  required: [derivedFrom, cumulative]
                  additionalProperties: false
                  properties:
                    derivedFrom: *measuredStream
                    cumulative: {type: integer, minimum: 0, maximum: 63}
                    levels: {type: "null"}
                    masks: *measuredMasks
                    name: *measuredName
                    from: *measuredFrom
            Count:
              type: object
              required: [count, isLowerBound]
              properties:
                count: {type: integer}
                isLowerBound: {type: boolean, description: The true number may be larger.}
            DryRun:
              type: object
              required:
                [derivedFrom, levels, from, to, isComplete, seenEvents, passingEvents,
                 droppedEvents, droppedWithoutConsent, droppedForLevel, contracts, keyLinks,
                 sequences, people, smallestGroup]
              properties:
                derivedFrom: {type: string}
                levels: {type: array, items: {type: integer}}
                from: {type: string, format: date-time}
                to: {type: string, format: date-time}
                isComplete: {type: boolean, description: Every event of the window was seen.}
                seenEvents: {type: integer}
                passingEvents: {type: integer}
                droppedEvents: {type: integer}
                droppedWithoutConsent: {type: integer}
                droppedForLevel:
                  type: array
                  description: An event that lacks two levels counts for both.
                  items:
                    type: object
                    required: [level, events]
                    properties:
                      level: {type: integer}
                      events: {type: integer}
                contracts:
                  type: array
                  items:
                    type: object
                    required: [contract, events, fields]
                    properties:
                      contract: {type: string}
                      events: {type: integer}
                      fields:
                        type: array
                        items:
                          type: object
                          required: [field, level, opened, masked, keyGone]
                          properties:
                            field: {type: string}
                            level: {type: [integer, "null"]}
                            opened: {type: integer}
                            masked: {type: integer}
                            keyGone: {type: integer}
                keyLinks: {$ref: "#/components/schemas/Count"}
                sequences: {$ref: "#/components/schemas/Count"}
                people:
                  oneOf:
                    - {type: "null"}
                    - {$ref: "#/components/schemas/Count"}
                smallestGroup:
                  oneOf:
                    - {type: "null"}
                    - type: object
                      required: [sequences, isLowerBound, combinations, contract, fields]
                      properties:
                        sequences: {type: integer}
                        isLowerBound: {type: boolean}
                        combinations: {type: integer}
                        contract: {type: string}
                        fields: {type: array, items: {type: string}}

        """
}
