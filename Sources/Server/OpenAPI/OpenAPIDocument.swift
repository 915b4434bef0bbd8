/// The description of the interface that `GET /openapi.yaml` gives: written by hand, held to the
/// route table by a test.
///
/// It is code, not a resource: the one binary is all that has to be installed.
enum OpenAPIDocument {
    static let text =
        head + eventPaths + managementPaths + lifeCyclePaths + dryRunPaths + rejectionPaths
        + exportPaths + backupPaths + subjectPaths + auditPaths + auditQuestionPaths
        + auditProofPaths + proofPaths + tokenPaths + operationPaths + custodyPaths + components
        + rejectionSchemas + exportSchemas + backupSchemas + dryRunSchemas + auditQuestionSchemas
        + subjectSchemas

    private static let head = """
        openapi: 3.1.0
        info:
          title: Stream Machine
          version: "\(Engine.version)"
          summary: A privacy-preserving event store.
          description: |
            Events are validated against a contract, their personal fields sealed, and acknowledged
            when they are on disk. Errors are RFC 9457 problem documents with a stable type; they
            never repeat a value of an event.
            Every route is served over HTTP/1.1 and HTTP/2.
          license: {name: See the repository, identifier: Apache-2.0}
        servers:
          - url: /
        security:
          - bearer: []
        paths:

        """

    private static let eventPaths = """
          /event:
            post:
              operationId: sendEvent
              summary: Send one event. 204 means that it is on disk, synced.
              parameters:
                - &dryRun
                  name: dryRun
                  in: query
                  description: >-
                    true answers as the real request would, with the header strm-dry-run, and stores
                    nothing. It cannot tell whether there will be room.
                  schema: {type: boolean, default: false}
                - {$ref: "#/components/parameters/SchemaRef"}
                - {$ref: "#/components/parameters/SchemaId"}
                - name: strm-serialization-type
                  in: header
                  description: >-
                    Absent, a body that starts with a brace is JSON, any other the schema's binary
                    form.
                  schema: {type: string, enum: [application/json, application/x-avro-binary]}
              requestBody:
                required: true
                description: An event of an active contract, named in strmMeta.eventContractRef.
                content:
                  application/json: {schema: {$ref: "#/components/schemas/Event"}}
                  application/octet-stream: {schema: {type: string, format: binary}}
              responses:
                "204": {description: The event is durable.}
                "400": {$ref: "#/components/responses/EventRefused"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
                "507": {$ref: "#/components/responses/DiskFull"}
          /events:
            post:
              operationId: sendEvents
              summary: >-
                Send many events as JSON lines. The accepted ones are on disk when the answer
                leaves.
              parameters:
                - *dryRun
                - {$ref: "#/components/parameters/SchemaRef"}
                - {$ref: "#/components/parameters/SchemaId"}
              requestBody:
                required: false
                content:
                  application/x-ndjson: {schema: {type: string}}
                  application/json: {schema: {$ref: "#/components/schemas/Event"}}
              responses:
                "200":
                  description: At least one line was accepted, or there was none.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/BatchResult"}}
                "400":
                  description: No line was accepted. Or the query is none that is taken.
                  content:
                    application/problem+json:
                      schema:
                        anyOf:
                          - {$ref: "#/components/schemas/BatchProblem"}
                          - {$ref: "#/components/schemas/InvalidRequest"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
                "507": {$ref: "#/components/responses/DiskFull"}
          /v1/streams/{stream}/events:
            get:
              operationId: readEvents
              summary: >-
                The next events of a stream (sealed) or of a derived stream (opened as its levels
                allow).
              parameters:
                - {$ref: "#/components/parameters/Stream"}
                - name: cursor
                  in: query
                  description: Of an earlier answer of this stream.
                  schema: {type: string, minLength: 1}
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: to
                  in: query
                  description: Exclusive.
                  schema: {$ref: "#/components/schemas/Time"}
                - name: limit
                  in: query
                  schema: {type: integer, minimum: 1, maximum: 10000, default: 1000}
                - name: wait
                  in: query
                  description: Seconds to wait for an event if there is none.
                  schema: {type: integer, minimum: 0, maximum: 60, default: 0}
                - name: consumer
                  in: query
                  description: Without a cursor, go on where this consumer has committed.
                  schema: {type: string, pattern: "^[A-Za-z0-9._~-]{1,128}$"}
                - name: keyLink
                  in: query
                  schema:
                    type: string
                    pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
              responses:
                "200":
                  description: One event a line; empty if there is nothing.
                  headers:
                    strm-next-cursor: {required: true, schema: {type: string}}
                    strm-events:
                      required: true
                      description: Lines of the body.
                      schema: {type: integer}
                    strm-dropped:
                      required: true
                      description: Events passed over for want of consent.
                      schema: {type: integer}
                    strm-sealed-fields:
                      required: true
                      description: Fields left sealed because their key is gone.
                      schema: {type: integer}
                  content:
                    application/x-ndjson: {schema: {type: string}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}/consumers/{consumer}/commit:
            post:
              operationId: commitCursor
              summary: Keep the place of a named consumer. Durable when answered.
              parameters:
                - {$ref: "#/components/parameters/Stream"}
                - name: consumer
                  in: path
                  required: true
                  schema: {type: string, pattern: "^[A-Za-z0-9._~-]{1,128}$"}
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [cursor]
                      additionalProperties: false
                      properties: {cursor: {type: string, minLength: 1}}
              responses:
                "204": {description: Committed.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /ws:
            get:
              operationId: followEvents
              summary: >-
                WebSocket (RFC 6455, HTTP/1.1) with one JSON event a text frame, of the token's
                stream.
              parameters:
                - name: asJson
                  in: query
                  description: Accepted; events are always JSON.
                  schema: {type: boolean}
                - {name: cursor, in: query, schema: {type: string, minLength: 1}}
                - {name: from, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - {name: to, in: query, schema: {$ref: "#/components/schemas/Time"}}
                - name: limit
                  in: query
                  description: Events of one release.
                  schema: {type: integer, minimum: 1, maximum: 10000}
                - {name: keyLink, in: query, schema: {type: string}}
              responses:
                "101": {description: The WebSocket is open.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "426":
                  description: The request is no WebSocket handshake.
                  content:
                    application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}
                "503": {$ref: "#/components/responses/Unavailable"}

        """
}
