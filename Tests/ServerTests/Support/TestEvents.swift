/// A small contract and events of it.
enum TestEvents {
    static let ref = "test/visit/1.0.0"

    static let contract = """
        {"ref":{"handle":"test","name":"visit","version":"1.0.0"},"keyField":"session",
         "dataSubjectField":"email",
         "fieldMetadata":[
          {"fieldName":"session",
           "personalDataConfig":{"isPii":true,"isQuasiId":true,"purposeLevel":1}},
          {"fieldName":"email",
           "personalDataConfig":{"isPii":true,"isQuasiId":false,"purposeLevel":4}}],
         "validations":[{"field":"url","type":"regex","value":"^https://.*$"}],
         "schema":{"ref":{"handle":"test","name":"visit","version":"1.0.0","schemaType":"avro"},
          "definition":{"type":"record","name":"Visit","fields":[
           {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
             {"name":"eventContractRef","type":"string"},
             {"name":"nonce","type":["null","int"],"default":null},
             {"name":"timestamp","type":["null","long"],"default":null},
             {"name":"keyLink","type":["null","string"],"default":null},
             {"name":"billingId","type":["null","string"],"default":null},
             {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
           {"name":"session","type":"string"},{"name":"email","type":"string"},
           {"name":"url","type":"string"}]}}}
        """

    /// A purpose of a level.
    static func purpose(_ level: Int) -> String {
        "{\"name\":\"Purpose \(level)\",\"description\":\"For tests\","
            + "\"legalBasis\":\"consent\",\"owner\":\"Tests\"}"
    }

    /// One line of JSON.
    static func event(
        session: String = "session-1", email: String = "SMCANARY@example.org",
        url: String = "https://shop.test/", consent: [Int] = [1, 4], ref: String = ref
    ) -> String {
        "{\"strmMeta\":{\"eventContractRef\":\"\(ref)\",\"consentLevels\":\(consent)},"
            + "\"session\":\"\(session)\",\"email\":\"\(email)\",\"url\":\"\(url)\"}"
    }
}
