extension OpenAPIDocument {
    static let managementPaths = """
          /v1/contracts:
            get:
              operationId: listContracts
              summary: All contracts, oldest first.
              responses:
                "200":
                  description: The contracts, without their documents.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createContract
              summary: Create a contract as a draft, or only check it (author, administrator, dpo).
              parameters:
                - name: dryRun
                  in: query
                  description: Nothing is stored; the answer says what would be made.
                  schema: {type: boolean, default: false}
              requestBody:
                required: true
                description: The contract document; YAML is taken as application/yaml.
                content:
                  application/json: {schema: {$ref: "#/components/schemas/ContractDocument"}}
              responses:
                "200":
                  description: What would be made (dryRun).
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/ContractPreview"}}
                "201":
                  description: The draft.
                  headers: {location: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/ContractRefused"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/contracts/compare:
            post:
              operationId: compareContracts
              summary: >-
                What differs between two contracts, and what that breaks (author, administrator, dpo,
                auditor).
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [old, new]
                      additionalProperties: false
                      properties:
                        old: &side
                          description: A reference handle/name/version, or a contract document.
                          oneOf:
                            - {type: string}
                            - {$ref: "#/components/schemas/ContractDocument"}
                        new: *side
              responses:
                "200":
                  description: The differences; none if the list is empty.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/ContractDifference"}}
                "400": {$ref: "#/components/responses/ContractRefused"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/contracts/{handle}/{name}/{version}:
            parameters:
              - {$ref: "#/components/parameters/Handle"}
              - {$ref: "#/components/parameters/Name"}
              - {$ref: "#/components/parameters/Version"}
            get:
              operationId: getContract
              summary: One contract with its document.
              responses:
                "200":
                  description: The contract.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            put:
              operationId: replaceContract
              summary: Replace the text of a draft (author of it, administrator, dpo).
              requestBody:
                required: true
                description: The contract document, with the reference of the path.
                content:
                  application/json: {schema: {$ref: "#/components/schemas/ContractDocument"}}
              responses:
                "200":
                  description: The draft.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Contract"}}
                "400": {$ref: "#/components/responses/ContractRefused"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deleteContract
              summary: Delete a draft (author of it, administrator, dpo).
              responses: &change
                "204": {description: Done.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams:
            get:
              operationId: listStreams
              summary: The streams and derived streams that the client may know of.
              responses:
                "200":
                  description: In the order in which they were made.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Stream"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createStream
              summary: Make a stream (administrator) or ask for a derived stream (author, administrator, dpo).
              requestBody:
                required: true
                content:
                  application/json: {schema: {$ref: "#/components/schemas/NewStream"}}
              responses:
                "201":
                  description: >-
                    The stream, with the credentials of its first client; they are shown only
                    here.
                  headers: {location: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/CreatedStream"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/streams/{stream}:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
            get:
              operationId: getStream
              summary: One stream or derived stream.
              responses:
                "200":
                  description: The stream.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Stream"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deleteStream
              summary: >-
                Delete a stream with its events and clients; 409 while derived streams depend on
                it.
              responses: *change
          /v1/clients:
            get:
              operationId: listClients
              summary: All clients, without secrets (administrator).
              responses:
                "200":
                  description: Oldest first.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Client"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createClient
              summary: Make a client (administrator). Its secret is shown only in this answer.
              requestBody:
                required: true
                content:
                  application/json: {schema: {$ref: "#/components/schemas/NewClient"}}
              responses:
                "201":
                  description: The client with its secret.
                  headers: {location: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Credentials"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/clients/{client}:
            parameters:
              - {name: client, in: path, required: true, schema: {type: string, minLength: 1}}
            get:
              operationId: getClient
              summary: One client, without its secret (administrator).
              responses:
                "200":
                  description: The client.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Client"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deleteClient
              summary: Delete a client; its tokens are refused at once (administrator).
              responses: *change

        """
}
