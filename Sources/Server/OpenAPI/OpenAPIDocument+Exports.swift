extension OpenAPIDocument {
    /// Connectors, exporters, and who may let keys leave.
    static let exportPaths = """
          /v1/connectors:
            get:
              operationId: listConnectors
              summary: The connectors, without credentials (administrator, dpo, auditor).
              responses:
                "200":
                  description: By name.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Connector"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createConnector
              summary: Make a connector to a bucket (administrator).
              description: >-
                A small object strm-probe-… is put into the bucket and removed again before the
                answer. The credentials are kept sealed and never shown.
              requestBody:
                required: true
                content:
                  application/json:
                    schema: {$ref: "#/components/schemas/NewConnector"}
                    example: {name: archive, type: local, path: archive}
              responses:
                "201":
                  description: The connector, without its credentials.
                  headers: {location: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Connector"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "422": {$ref: "#/components/responses/ConnectorTestFailed"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/connectors/{connector}:
            parameters: &connectorParameters
              - name: connector
                in: path
                required: true
                schema: {type: string, pattern: "\(StreamName.pattern)"}
            get:
              operationId: getConnector
              summary: One connector, without its credentials (administrator, dpo, auditor).
              responses:
                "200":
                  description: The connector.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Connector"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deleteConnector
              summary: Delete a connector (administrator); 409 while an exporter uses it.
              responses: *change
          /v1/connectors/{connector}/test:
            parameters: *connectorParameters
            post:
              operationId: testConnector
              summary: Put a small object into its bucket and remove it again (administrator).
              responses:
                "204": {description: The bucket can be used.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "422": {$ref: "#/components/responses/ConnectorTestFailed"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/connectors/{connector}/credentials:
            parameters: *connectorParameters
            put:
              operationId: replaceConnectorCredentials
              summary: Replace its credentials by others, which are tested first (administrator).
              description: >-
                Exporters that use the connector keep their places. A local directory has none (409).
              requestBody:
                required: true
                content:
                  application/json:
                    schema: {$ref: "#/components/schemas/ConnectorCredentials"}
              responses:
                "204": {description: The new credentials are in use.}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "422": {$ref: "#/components/responses/ConnectorTestFailed"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/exporters:
            get:
              operationId: listExporters
              summary: The exporters and how they are (administrator, dpo, auditor).
              responses:
                "200":
                  description: By name.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Exporter"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createExporter
              summary: >-
                Copy a stream or derived stream into a bucket, an object an interval
                (administrator, dpo).
              requestBody:
                required: true
                content:
                  application/json:
                    schema: {$ref: "#/components/schemas/NewExporter"}
                    example: {stream: demo-1-4, connector: archive, compression: gzip}
              responses:
                "201":
                  description: The exporter.
                  headers: {location: {schema: {type: string}}}
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Exporter"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/exporters/{exporter}:
            parameters: &exporterParameters
              - name: exporter
                in: path
                required: true
                schema: {type: string, pattern: "\(StreamName.pattern)"}
            get:
              operationId: getExporter
              summary: One exporter and how it is (administrator, dpo, auditor).
              responses:
                "200":
                  description: The exporter.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Exporter"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "503": {$ref: "#/components/responses/Unavailable"}
            delete:
              operationId: deleteExporter
              summary: >-
                Delete an exporter and its position; what it has written stays (administrator,
                dpo).
              responses: *change
          /v1/exporters/{exporter}/pause:
            parameters: *exporterParameters
            post:
              operationId: pauseExporter
              summary: Pause an exporter after the batch at hand (administrator, dpo).
              responses: *change
          /v1/exporters/{exporter}/resume:
            parameters: *exporterParameters
            post:
              operationId: resumeExporter
              summary: Let a paused exporter go on where it stopped (administrator, dpo).
              responses: *change
          /v1/streams/{stream}/key-export:
            parameters:
              - {$ref: "#/components/parameters/Stream"}
            put:
              operationId: decideKeyExport
              summary: Whether data keys of a stream may leave with exports (dpo).
              description: >-
                Expiry and erasure have no power over a key that has left. 409 for a derived
                stream, which has no keys.
              requestBody:
                required: true
                content:
                  application/json:
                    schema:
                      type: object
                      required: [allowed]
                      additionalProperties: false
                      properties: {allowed: {type: boolean}}
                    example: {allowed: false}
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

        """
}
