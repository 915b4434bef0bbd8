extension OpenAPIDocument {
    static let backupPaths = """
          /v1/backups:
            get:
              operationId: listBackups
              summary: Backups that lie in the server's directory for them (administrator).
              responses:
                "200":
                  description: Newest first.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [items]
                        properties:
                          items: {type: array, items: {$ref: "#/components/schemas/Backup"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}
            post:
              operationId: createBackup
              summary: >-
                Begin a backup, under a name and in a directory of the server's choice
                (administrator). Ask for it by its name until its state is not making any more.
              requestBody:
                required: false
                content:
                  application/json:
                    schema: {type: object, additionalProperties: false}
              responses:
                "202": &begunBackup
                  description: It has begun, and is on record.
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [name, state]
                        properties: {name: {type: string}, state: {type: string}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "409": {$ref: "#/components/responses/Conflict"}
                "413": {$ref: "#/components/responses/TooLarge"}
                "415": {$ref: "#/components/responses/UnsupportedMediaType"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/backups/{backup}:
            parameters: &backupParameters
              - name: backup
                in: path
                required: true
                schema: {type: string, pattern: "^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$"}
            get:
              operationId: getBackup
              summary: One backup, or what became of it (administrator).
              responses:
                "200":
                  description: The backup.
                  content:
                    application/json: {schema: {$ref: "#/components/schemas/Backup"}}
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}
          /v1/backups/{backup}/verify:
            parameters: *backupParameters
            post:
              operationId: verifyBackup
              summary: >-
                Begin to read a backup again and check all of it (administrator). Ask for it by its
                name until isVerifying is false.
              responses:
                "202": *begunBackup
                "400": {$ref: "#/components/responses/Invalid"}
                "401": {$ref: "#/components/responses/Unauthorized"}
                "403": {$ref: "#/components/responses/Forbidden"}
                "404": {$ref: "#/components/responses/NotFound"}
                "409": {$ref: "#/components/responses/Conflict"}
                "503": {$ref: "#/components/responses/Unavailable"}

        """

    static let backupSchemas = """
            Backup:
              type: object
              required: [name, state]
              properties:
                name: {type: string}
                state: {type: string, enum: [making, whole, failed]}
                problem: {type: string}
                startedAt: {$ref: "#/components/schemas/Time"}
                createdAt: {$ref: "#/components/schemas/Time"}
                verifiedAt: {$ref: "#/components/schemas/Time"}
                isVerifying: {type: boolean}
                events: {type: integer}
                files: {type: integer}
                bytes: {type: integer}
                auditSize: {type: integer}
                auditRoot: {type: string, description: Base64.}
                sequence: {type: integer}
                madeBy: {type: string, enum: [request, schedule]}

        """
}
