extension OpenAPIDocument {
    /// A step of an object's path: no dot alone, and no two in a row. Backslashes as a text of YAML
    /// in double quotes wants them.
    private static let stepPattern = #"(\\.?[A-Za-z0-9!_*'()=-])+\\.?"#
    private static let firstStepPattern =
        #"[A-Za-z0-9](\\.?[A-Za-z0-9!_*'()=-])*\\.?"#
    private static let pathPattern = "\(firstStepPattern)(/\(stepPattern))*"
    private static let endpointPattern = #"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"#
    private static let printablePattern = "^[!-~]+$"

    /// Goes behind ``components``, whose anchors it uses.
    static let exportSchemas = """
            NewConnector:
              oneOf:
                - title: A bucket of S3, or of a store that speaks its protocol
                  type: object
                  required: [name, type, bucket, region, accessKeyId, secretAccessKey]
                  additionalProperties: false
                  properties:
                    name: *streamName
                    type: {type: string, enum: [s3]}
                    bucket: &s3Bucket {type: string, pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"}
                    region: &region
                      type: string
                      pattern: "^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$"
                    endpoint: &endpoint
                      description: https://HOST[:PORT]; Amazon's or Google's own if absent.
                      type: [string, "null"]
                      pattern: "\(endpointPattern)"
                      maxLength: 300
                    pathStyle: &pathStyle
                      description: The bucket goes into the path and not into the host's name.
                      type: [boolean, "null"]
                    accessKeyId: &keyId
                      type: string
                      minLength: 1
                      maxLength: 256
                      pattern: '^[!#-+.0-<>-~-]+$'
                    secretAccessKey: &secretKey
                      type: string
                      minLength: 1
                      maxLength: 1024
                      pattern: "\(printablePattern)"
                    sessionToken: &sessionToken
                      type: [string, "null"]
                      minLength: 1
                      maxLength: 16384
                      pattern: "\(printablePattern)"
                    roleArn: *unset
                    externalId: *unset
                    stsEndpoint: *unset
                - title: The same as a role
                  type: object
                  required: [name, type, bucket, region, accessKeyId, secretAccessKey, roleArn]
                  additionalProperties: false
                  properties:
                    name: *streamName
                    type: {type: string, enum: [s3]}
                    bucket: *s3Bucket
                    region: *region
                    endpoint: *endpoint
                    pathStyle: *pathStyle
                    accessKeyId: *keyId
                    secretAccessKey: *secretKey
                    sessionToken: *sessionToken
                    roleArn:
                      type: string
                      minLength: 20
                      maxLength: 2048
                      pattern: "^arn:[A-Za-z0-9+=,.@_/:*-]+$"
                    externalId:
                      type: [string, "null"]
                      minLength: 2
                      maxLength: 1224
                      pattern: "^[A-Za-z0-9+=,.@_/:-]+$"
                    stsEndpoint: *endpoint
                - title: A bucket of Google Cloud Storage, as a service account
                  type: object
                  required: [name, type, bucket, serviceAccount]
                  additionalProperties: false
                  properties:
                    name: *streamName
                    type: {type: string, enum: [gcs]}
                    bucket: &gcsBucket
                      type: string
                      pattern: "^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"
                    endpoint: *endpoint
                    serviceAccount:
                      description: The JSON document of the account's key, as a string.
                      type: string
                    accessKeyId: *unset
                    secretAccessKey: *unset
                - title: A bucket of Google Cloud Storage, with HMAC keys
                  type: object
                  required: [name, type, bucket, accessKeyId, secretAccessKey]
                  additionalProperties: false
                  properties:
                    name: *streamName
                    type: {type: string, enum: [gcs]}
                    bucket: *gcsBucket
                    endpoint: *endpoint
                    serviceAccount: *unset
                    accessKeyId: *keyId
                    secretAccessKey: *secretKey
                - title: A directory below exports.directory
                  type: object
                  required: [name, type, path]
                  additionalProperties: false
                  properties:
                    name: *streamName
                    type: {type: string, enum: [local]}
                    path: {type: string, maxLength: 512, pattern: "^\(pathPattern)$"}
            ConnectorCredentials:
              description: Those that the connector's kind of bucket takes.
              type: object
              additionalProperties: false
              properties:
                accessKeyId: {type: [string, "null"], maxLength: 256}
                secretAccessKey: {type: [string, "null"], maxLength: 1024}
                sessionToken: *sessionToken
                serviceAccount: {type: [string, "null"]}
            Connector:
              type: object
              required: [name, type, credentials, createdAt, createdBy]
              additionalProperties: false
              properties:
                name: {type: string}
                type: {type: string, enum: [s3, gcs, local]}
                bucket: {type: string}
                region: {type: string}
                endpoint: {type: [string, "null"]}
                pathStyle: {type: boolean}
                roleArn: {type: [string, "null"]}
                path: {type: string}
                credentials:
                  description: Only their kind.
                  type: string
                  enum: [access-key, service-account, none]
                createdAt: {type: string, format: date-time}
                createdBy: {type: string}
            NewExporter:
              type: object
              required: [stream, connector]
              additionalProperties: false
              properties:
                name:
                  description: STREAM-CONNECTOR if absent.
                  type: [string, "null"]
                  pattern: "\(StreamName.pattern)"
                stream: *streamName
                connector: *streamName
                intervalSeconds:
                  description: >-
                    At least exports.intervalSecondsMin, which is 30 unless the operator has set
                    another one.
                  type: [integer, "null"]
                  minimum: 1
                  maximum: 3600
                  default: 60
                pathPrefix:
                  description: What the names of all objects begin with, before a slash.
                  type: [string, "null"]
                  maxLength: 512
                  pattern: "^(\(pathPattern))?$"
                  default: ""
                includeExistingEvents: {type: [boolean, "null"], default: false}
                compression:
                  type: [string, "null"]
                  enum: [none, gzip, zstd, null]
                  default: none
                batchBytesMax:
                  description: Bytes of the events before compression, where an object ends.
                  type: [integer, "null"]
                  minimum: 1048576
                  maximum: 8589934592
                  default: 268435456
                includeKeys:
                  description: >-
                    Write the data keys beside each object; only of a stream whose key export a
                    data protection officer has allowed.
                  type: [boolean, "null"]
                  default: false
            Exporter:
              type: object
              required: [name, stream, connector, intervalSeconds, pathPrefix, compression,
                batchBytesMax, includeKeys, isPaused, createdAt, createdBy, state, error, failures,
                retryAt, lagEvents, oldestUnexportedAt, lossAt, alarm, batches, events, bytes,
                lostEvents, lastObject, lastBatchAt, nextOffsets, manifestKey]
              additionalProperties: false
              properties:
                name: {type: string}
                stream: {type: string}
                connector: {type: string}
                intervalSeconds: {type: integer}
                pathPrefix: {type: string}
                compression: {type: string, enum: [none, gzip, zstd]}
                batchBytesMax: {type: integer}
                includeKeys: {type: boolean}
                isPaused: {type: boolean}
                createdAt: {type: string, format: date-time}
                createdBy: {type: string}
                state: {type: string, enum: [running, paused, failing]}
                error: {type: [string, "null"], description: What the last try said.}
                failures: {type: integer, minimum: 0, description: Tries in a row that failed.}
                retryAt: &timeOrNull {type: [string, "null"], format: date-time}
                lagEvents: {type: integer, minimum: 0}
                oldestUnexportedAt: *timeOrNull
                lossAt:
                  description: When retention begins to take what is not exported.
                  type: [string, "null"]
                  format: date-time
                alarm: {type: [string, "null"], description: Set when that is near.}
                batches: {type: integer, minimum: 0}
                events: {type: integer, minimum: 0}
                bytes:
                  description: Of the objects with events, as they lie in the bucket.
                  type: integer
                  minimum: 0
                lostEvents:
                  description: Events that expired before they could be exported.
                  type: integer
                  minimum: 0
                lastObject: {type: [string, "null"]}
                lastBatchAt: *timeOrNull
                nextOffsets:
                  description: The next offset of each partition.
                  type: array
                  items: {type: integer, minimum: 0}
                manifestKey:
                  description: What verifies the signatures of its manifests.
                  type: string

        """
}
