/// What can be said about an S3 connector without asking anybody.
enum S3Rules {
    static func check(
        _ location: S3Location, _ keys: AccessKeys, policy: BucketPolicy
    ) throws(BucketError) {
        guard isBucketName(location.bucket) else {
            throw .invalid(
                pointer: "/bucket", expected: "3 to 63 of a-z, 0-9, . and -, as S3 has them")
        }
        guard isRegion(location.region) else {
            throw .invalid(pointer: "/region", expected: "a region such as eu-central-1")
        }
        try check(keys)
        _ = try S3Place(location, policy: policy)
        if let role = location.role { try check(role, region: location.region, policy: policy) }
    }

    /// Letters, digits and hyphens: it becomes a part of host names and of signatures.
    static func isRegion(_ text: String) -> Bool {
        isMadeOf(text, 1...64, "-") && !text.hasPrefix("-") && !text.hasSuffix("-")
    }

    static func isBucketName(_ text: String) -> Bool {
        let isSound = text.split(separator: ".", omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && !$0.hasPrefix("-") && !$0.hasSuffix("-") }
        let isAddress =
            text.utf8.allSatisfy { "0123456789.".utf8.contains($0) }
            && text.split(separator: ".").count == 4
        return isMadeOf(text, 3...63, ".-") && text == text.lowercased() && isSound && !isAddress
    }

    /// Google Cloud's names may have underscores, and be longer with dots.
    static func isGoogleBucketName(_ text: String) -> Bool {
        let isEndSound = [text.utf8.first, text.utf8.last].allSatisfy { byte in
            byte.map { !"._-".utf8.contains($0) } ?? false
        }
        let isSound = text.split(separator: ".", omittingEmptySubsequences: false)
            .allSatisfy { (1...63).contains($0.utf8.count) }
        return isMadeOf(text, 3...222, "._-") && text == text.lowercased() && isSound && isEndSound
    }

    static func check(_ keys: AccessKeys) throws(BucketError) {
        let isIDSound = keys.id.utf8.allSatisfy { isPrintable($0) && !",/=\"".utf8.contains($0) }
        guard isIDSound, (1...256).contains(keys.id.utf8.count) else {
            throw .invalid(pointer: "/accessKeyId", expected: "the identifier of an access key")
        }
        guard (1...1_024).contains(keys.secret.utf8.count), keys.secret.utf8.allSatisfy(isPrintable)
        else {
            throw .invalid(pointer: "/secretAccessKey", expected: "a secret without white space")
        }
        if let token = keys.sessionToken {
            guard (1...16_384).contains(token.utf8.count), token.utf8.allSatisfy(isPrintable)
            else {
                throw .invalid(pointer: "/sessionToken", expected: "a token without white space")
            }
        }
    }

    private static func check(
        _ role: AssumedRole, region: String, policy: BucketPolicy
    ) throws(BucketError) {
        guard isMadeOf(role.arn, 20...2_048, "+=,.@_/:*-"), role.arn.hasPrefix("arn:") else {
            throw .invalid(
                pointer: "/roleArn", expected: "a role such as arn:aws:iam::123456789012:role/NAME")
        }
        if let externalID = role.externalID {
            guard isMadeOf(externalID, 2...1_224, "+=,.@_/:-") else {
                throw .invalid(
                    pointer: "/externalId",
                    expected: "2 to 1224 letters, digits and characters of +=,.@_/:-")
            }
        }
        let endpoint = try AssumeRole.endpoint(role, region: region, policy: policy)
        if let literal = endpoint.literalAddress {
            try AddressRule.check([literal], policy: policy)
        }
    }

    private static func isMadeOf(
        _ text: String, _ counts: ClosedRange<Int>, _ others: String
    ) -> Bool {
        counts.contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: others.utf8.contains(byte)
                }
            }
    }

    /// ASCII, and not a space.
    private static func isPrintable(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }
}
