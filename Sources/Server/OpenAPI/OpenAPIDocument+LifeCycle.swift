extension OpenAPIDocument {
    /// Approval of contracts and derived streams, and the purpose map.
    static let lifeCyclePaths = """
          /v1/contracts/{handle}/{name}/{version}/review:
            parameters: &contractParameters
              - {$ref: "#/components/parameters/Handle"}
              - {$ref: "#/components/parameters/Name"}
              - {$ref: "#/components/parameters/Version"}
            post:
              operationId: reviewContract
              summary: >-
                Ask for approval of a draft (author of it, administrator, dpo).
              responses: &contractChange
                "200":
                  description: The contract in its new state.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/contracts/{handle}/{name}/{version}/approve:
            parameters: *contractParameters
            post:
              operationId: approveContract
              summary: >-
                Approve a contract in review (dpo, not one who wrote it).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [number]
                      additionalProperties: false
                      properties:
                        number:
                          type: integer
                          minimum: 0
                          maximum: 4294967295
                          description: Of the text that was looked at; 409 if it is another now.
              responses: &contractDecision
                "200":
                  description: The contract in its new state.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/contracts/{handle}/{name}/{version}/reject:
            parameters: *contractParameters
            post:
              operationId: rejectContract
              summary: >-
                Send a contract in review or approved back to draft (dpo).
              requestBody: &reason
                required: true
                content:
                  application/json: {schema: {$ref: "#/components/schemas/Reason"}}
              responses: *contractDecision
          /v1/contracts/{handle}/{name}/{version}/activate:
            parameters: *contractParameters
            post:
              operationId: activateContract
              summary: >-
                Activate an approved contract; it is frozen then, and events may name it
                (author of it, administrator, dpo).
              responses: *contractChange
          /v1/contracts/{handle}/{name}/{version}/archive:
            parameters: *contractParameters
            post:
              operationId: archiveContract
              summary: >-
                Archive an active contract; new events that name it are refused
                (author of it, administrator, dpo).
              responses: *contractChange
          /v1/contracts/{handle}/{name}/{version}/reactivate:
            parameters: *contractParameters
            post:
              operationId: reactivateContract
              summary: >-
                Make an archived contract active again (author of it, administrator, dpo).
              responses: *contractChange
          /v1/streams/{stream}/approve:
            parameters: &decidedStream
              - {$ref: "#/components/parameters/Stream"}
            post:
              operationId: approveStream
              summary: Let a derived stream be read (dpo, not the one who asked for it).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [id]
                      additionalProperties: false
                      properties:
                        id:
                          type: integer
                          minimum: 0
                          maximum: 4294967295
                          description: Of the derived stream that was looked at; 409 if it is another.
              responses:
                "200": &decidedStreamAnswer
                  description: The derived stream.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Stream"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}/reject:
            parameters: *decidedStream
            post:
              operationId: rejectStream
              summary: Refuse a derived stream, or take its approval back (dpo).
              requestBody: *reason
              responses:
                "200": *decidedStreamAnswer
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/purposes:
            get:
              operationId: listPurposes
              summary: What each consent level stands for.
              responses:
                "200":
                  description: By level.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Purpose"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/purposes/{level}:
            parameters:
              - name: level
                in: path
                required: true
                schema: {type: integer, minimum: 0, maximum: 63}
            get:
              operationId: getPurpose
              summary: What a consent level stands for.
              responses:
                "200": &purpose
                  description: The purpose.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Purpose"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            put:
              operationId: putPurpose
              summary: Give a consent level its purpose, or another one (dpo, administrator).
              requestBody:
                required: true
                content:
                  application/json: {schema: {$ref: "#/components/schemas/NewPurpose"}}
              responses:
                "200": *purpose
                "201": *purpose
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deletePurpose
              summary: >-
                Delete a purpose that no contract and no derived stream uses (dpo, administrator).
              responses: *change

        """
}
