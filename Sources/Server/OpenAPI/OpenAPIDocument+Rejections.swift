extension OpenAPIDocument {
    static let rejectionPaths = """
          /v1/rejections:
            get:
              operationId: countRejections
              summary: >-
                Refused events since the server started, counted by stream, client, contract, rule
                and place, the most frequent first (dpo, administrator, auditor; streamOwner and
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

        """

    static let rejectionSchemas = """
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
