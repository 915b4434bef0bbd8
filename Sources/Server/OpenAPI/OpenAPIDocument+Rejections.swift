extension OpenAPIDocument {
    static let rejectionPaths = """
          /v1/rejections:
            get:
              operationId: countRejections
              summary: >-
                Refused events since the server started, counted by stream, client, contract, rule
                and place, the most frequent first (author, dpo, administrator, auditor; streamOwner and
                sender: of their stream).
              parameters:
                - {name: stream, in: query, schema: {type: string, minLength: 1}}
                - {name: client, in: query, schema: {type: string, minLength: 1}}
                - {name: contract, in: query, schema: {type: string, minLength: 1}}
                - name: limit
                  in: query
                  schema: {type: integer, minimum: 1, maximum: 10000, default: 1000}
              responses:
                "200":
                  description: The counts.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/RejectionCounts"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}/rejections:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
            get:
              operationId: listRejections
              summary: >-
                The refused events that the stream keeps, oldest first, without their bodies (dpo,
                administrator, streamOwner of it). What was refused before the request is found.
              parameters:
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: limit
                  in: query
                  schema: {type: integer, minimum: 1, maximum: 1000, default: 100}
                - name: cursor
                  in: query
                  description: The nextCursor of the page before.
                  schema: {type: string, pattern: "^[0-9]{1,18}$"}
              responses:
                "200":
                  description: One page.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items, nextCursor, keeps, notKept]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Rejection"}}
                          nextCursor:
                            type: [string, "null"]
                            description: null if nothing more is there.
                          keeps: {type: boolean, description: Whether more is kept now.}
                          notKept:
                            type: object
                            description: >-
                              Bodies that were not kept since the server started, by reason:
                              too-large, rate, busy, failed.
                            additionalProperties: {type: integer}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}
            put:
              operationId: keepRejections
              summary: >-
                Keep refused events from now on, or no more (dpo). What is there stays until it
                expires.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [keeps]
                      additionalProperties: false
                      properties: {keeps: {type: boolean}}
              responses:
                "204": {description: Decided.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}/rejections/show:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
            post:
              operationId: showRejection
              summary: >-
                Open the body of a kept refused event (dpo). The audit entry is durable before the
                answer leaves.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [offset]
                      additionalProperties: false
                      properties: {offset: {type: integer, minimum: 0}}
              responses:
                "200":
                  description: The body, as text if it is UTF-8.
                  headers: {cache-control: {required: true, schema: {type: string}}}
                  content:
                    application/json:
                      schema:
                        allOf:
                          - {$ref: "#/components/schemas/Rejection"}
                          - type: object
                            required: [encoding, body]
                            properties:
                              encoding: {type: string, enum: [utf-8, base64]}
                              body: {type: string}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}

          /v1/streams/{stream}/rejections/replay:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
            post:
              operationId: replayRejections
              summary: >-
                Send kept refused events through the gate again, by offset or by filter, at most
                1,000 a call (dpo, administrator). What is accepted is durable and is never replayed
                again.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      oneOf:
                        - type: object
                          required: [offsets]
                          additionalProperties: false
                          properties:
                            offsets:
                              type: array
                              minItems: 1
                              maxItems: 1000
                              items: {type: integer, minimum: 0}
                            contract: &notBesideOffsets {type: "null"}
                            from: *notBesideOffsets
                            limit: *notBesideOffsets
                            cursor: *notBesideOffsets
                        - type: object
                          additionalProperties: false
                          properties:
                            offsets: *notBesideOffsets
                            contract: {type: [string, "null"]}
                            from:
                              anyOf:
                                - {$ref: "#/components/schemas/Time"}
                                - {type: "null"}
                            limit: {type: [integer, "null"], minimum: 1, maximum: 1000}
                            cursor: {type: [string, "null"], pattern: "^[0-9]{1,18}$"}
              responses:
                "200":
                  description: What became of each.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [accepted, refused, results, nextCursor]
                        properties:
                          accepted: {type: integer}
                          refused: {type: integer}
                          results:
                            type: array
                            items: {$ref: "#/components/schemas/ReplayResult"}
                          nextCursor:
                            type: [string, "null"]
                            description: Where the filter goes on; null if it is at its end.
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """

    static let rejectionSchemas = """
            InvalidRequest:
              allOf:
                - {$ref: "#/components/schemas/Problem"}
                - type: object
                  required: [parameter, expected]
                  properties:
                    parameter: {type: string}
                    expected: {type: string}
            ReplayResult:
              type: object
              required: [offset, outcome]
              properties:
                offset: {type: integer, minimum: 0}
                outcome:
                  type: string
                  enum: [accepted, refused, already-replayed, gone, failed]
                problem:
                  description: >-
                    Of what was refused (with place, rule, expected; or subject-erased, for it was
                    sent before its person was erased; or subject-fenced) or failed.
                  type: object
                  required: [type]
                  properties:
                    type: {type: string, format: uri}
                    place: {type: string}
                    rule: {type: string}
                    ruleId: {type: string}
                    expected: {type: string}
            Rejection:
              type: object
              required:
                [offset, rejectedAt, client, contract, kind, rule, place, bytes, isReplayed]
              properties:
                offset: {type: integer, minimum: 0}
                rejectedAt: {type: string, format: date-time}
                client: {type: string}
                contract:
                  type: string
                  description: Empty if the event named no registered contract.
                kind: {type: string}
                rule: {type: string}
                ruleId: {type: string}
                place: {type: string}
                bytes: {type: integer, minimum: 0}
                isReplayed: {type: boolean, description: A replay has stored it as an event.}
            RejectionCounts:
              type: object
              required: [since, total, items]
              properties:
                since: {type: string, format: date-time}
                total: {type: integer, description: Of all rows that the filter lets pass.}
                items:
                  type: array
                  items:
                    type: object
                    required: [stream, client, contract, kind, rule, place, count, firstAt, lastAt]
                    properties:
                      stream: {type: string}
                      client: {type: string}
                      contract:
                        type: string
                        description: Empty if the event named no registered contract.
                      kind: {type: string}
                      rule: {type: string}
                      ruleId: {type: string}
                      place:
                        type: string
                        description: >-
                          The pointer in the words of the schema; what the sender chose (list
                          indexes, keys of maps, unknown names) is an asterisk.
                      count: {type: integer}
                      firstAt: {type: string, format: date-time}
                      lastAt: {type: string, format: date-time}

        """
}
