// Which fields are personal data, in the two forms that authors write.

extension ContractDocument {
    /// One entry of `fieldMetadata` or `piiFields`.
    struct FieldRule: Sendable {
        let path: String
        let pointer: String
        let isPersonal: Bool
        let isQuasiId: Bool
        /// Nil only if the field is not personal data.
        let level: Int?
        let sealing: SealingMode
    }

    /// The levels of the personal fields, each with the pointer of the first place that names it.
    package var levelPlaces: [(level: Int, pointer: String)] {
        var places: [(level: Int, pointer: String)] = []
        for field in fields where field.isPersonal {
            guard let level = field.level, !places.contains(where: { $0.level == level }) else {
                continue
            }
            let name = "/fieldName"
            let pointer =
                field.pointer.hasPrefix("/fieldMetadata/")
                ? field.pointer.dropLast(name.count) + "/personalDataConfig/purposeLevel"
                : field.pointer[...]
            places.append((level, String(pointer)))
        }
        return places
    }

    /// The personal fields, in the document's order: their paths, as the contract writes them, and
    /// their levels.
    package var personalFields: [(path: String, level: Int)] {
        fields.compactMap { field in
            guard field.isPersonal, let level = field.level else { return nil }
            return (field.path, level)
        }
    }

    static func fieldMetadata(
        _ root: DocumentCursor
    ) throws(ContractError) -> [FieldRule] {
        guard let list = root.member("fieldMetadata") else { return [] }
        var rules: [FieldRule] = []
        for item in try list.items(countMax: fieldCountMax) {
            try item.checkObject(allowing: ["fieldName", "personalDataConfig"])
            let name = try item.required("fieldName")
            let config = try item.required("personalDataConfig")
            try config.checkObject(allowing: ["isPii", "isQuasiId", "purposeLevel", "sealing"])
            let isPersonal = try config.required("isPii").bool()
            let isQuasiId = try config.member("isQuasiId").map { cursor throws(ContractError) in
                try cursor.bool()
            }
            var level = try config.member("purposeLevel").map { cursor throws(ContractError) in
                try Self.level(cursor)
            }
            if isPersonal && level == nil {
                level = try Self.level(config.required("purposeLevel"))
            }
            rules.append(
                FieldRule(
                    path: try path(name), pointer: name.pointer, isPersonal: isPersonal,
                    isQuasiId: isQuasiId ?? false, level: level, sealing: try sealing(config)))
        }
        return rules
    }

    static func piiFields(_ root: DocumentCursor) throws(ContractError) -> [FieldRule] {
        guard let map = root.member("piiFields") else { return [] }
        guard case .object(let members) = map.value, members.count <= fieldCountMax else {
            throw map.fail("type", "an object of at most \(fieldCountMax) paths with their levels")
        }
        var rules: [FieldRule] = []
        for member in members {
            let pointer = "\(map.pointer)/\(JSONPointer.escape(member.name))"
            let name = DocumentCursor(value: .string(member.name), pointer: pointer)
            rules.append(
                FieldRule(
                    path: try path(name), pointer: pointer, isPersonal: true, isQuasiId: false,
                    level: try level(DocumentCursor(value: member.value, pointer: pointer)),
                    sealing: .deterministic))
        }
        return rules
    }

    private static func sealing(
        _ config: DocumentCursor
    ) throws(ContractError) -> SealingMode {
        guard let member = config.member("sealing") else { return .deterministic }
        guard let mode = SealingMode(rawValue: try member.string()) else {
            throw member.fail("sealing", "deterministic or random")
        }
        return mode
    }
}

extension ContractDocument.FieldRule {
    var json: JSONValue {
        var config: [JSONValue.Member] = [
            .init(name: "isPii", value: .bool(isPersonal)),
            .init(name: "isQuasiId", value: .bool(isQuasiId)),
        ]
        if let level { config.append(.init(name: "purposeLevel", value: .integer(Int64(level)))) }
        // Only then, so that documents from before the modes keep their form.
        if sealing == .random {
            config.append(.init(name: "sealing", value: .string(sealing.rawValue)))
        }
        return .object([
            .init(name: "fieldName", value: .string(path)),
            .init(name: "personalDataConfig", value: .object(config)),
        ])
    }
}
