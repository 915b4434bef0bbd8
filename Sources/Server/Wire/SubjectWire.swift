import Audit
import AuditProof
import Contracts
import Query
import Store
import Subjects
import Vault

/// Answers about a person as JSON.
enum SubjectWire {
    static func link(_ item: SubjectLinks.Item) -> WireValue {
        let link = item.link
        return .object([
            ("keyLink", .string(link.link.description)), ("stream", .string(item.stream)),
            ("createdAt", time(link.created)), ("sealsUntil", time(link.sealsUntil)),
            ("destroyedAt", time(link.destroyedAt)), ("isErased", .bool(link.isErased)),
            ("isOpenable", .bool(link.isOpenable)),
        ])
    }

    static func page(_ page: AccessPage) -> WireValue {
        var members: [(name: String, value: WireValue)] = [
            ("person", .string(page.person)), ("at", .string(WireTime.format(page.at))),
        ]
        if let head = page.head { members.append(("head", self.head(head))) }
        members += [
            ("events", .array(page.events.map { event($0, in: page.body) })),
            ("contracts", .array(page.contracts.map(contract))),
            ("consents", .array(page.consents.map(consent))),
            (
                "passedOver",
                [
                    "otherPeople": .integer(Int64(page.others)),
                    "nameless": .integer(Int64(page.nameless)),
                    "undecided": .integer(Int64(page.undecided)),
                ]
            ),
            ("nextCursor", .optional(page.cursor)),
        ]
        return .object(members)
    }

    private static func head(_ head: AccessPage.Head) -> WireValue {
        .object([
            (
                "streams",
                .array(
                    head.streams.map { stream in
                        [
                            "name": .string(stream.name),
                            "retentionDays": .integer(Int64(stream.retention.days)),
                        ]
                    })
            ),
            ("links", .array(head.links.map(link))),
            ("purposes", .array(head.purposes.map(purpose))),
            ("recipients", WireValue(head.recipients)),
            ("erasures", .array(head.erasures.map(erasureOfRecipients))),
            ("notCovered", .array(head.notCovered.map(WireValue.string))),
        ])
    }

    private static func purpose(_ purpose: PurposeRecord) -> WireValue {
        .object([
            ("level", .integer(Int64(purpose.level))), ("name", .string(purpose.name)),
            ("description", .string(purpose.description)),
            ("legalBasis", .string(purpose.legalBasis.rawValue)),
            ("owner", .string(purpose.owner)),
        ])
    }

    private static func event(_ event: AccessPage.Event, in body: [UInt8]) -> WireValue {
        .object([
            ("stream", .string(event.stream)), ("partition", .integer(Int64(event.partition))),
            ("offset", .integer(Int64(clamping: event.event.offset.rawValue))),
            ("at", .string(WireTime.format(event.event.at))),
            ("expiresAt", .string(WireTime.format(event.expiresAt))),
            ("keyLink", .string(event.event.link.description)),
            ("contract", .string(event.contract)),
            ("consentLevels", .numbers(event.event.consent.levels)),
            ("openedFields", .integer(Int64(event.event.opened))),
            ("sealedFields", .integer(Int64(event.event.sealed))),
            ("event", .json(Array(body[event.event.json]))),
        ])
    }

    private static func contract(_ contract: Contract) -> WireValue {
        .object([
            ("contract", .string(contract.ref.description)),
            ("dataSubjectField", .optional(contract.dataSubjectPath)),
            (
                "personalFields",
                .array(
                    contract.piiFields.map { field in
                        [
                            "field": .string(field.path), "level": .integer(Int64(field.level)),
                        ]
                    })
            ),
        ])
    }

    private static func consent(_ consent: AccessPage.Consent) -> WireValue {
        .object([
            ("stream", .string(consent.stream)), ("levels", .numbers(consent.levels.levels)),
            ("from", .string(WireTime.format(consent.from))),
            ("to", .string(WireTime.format(consent.to))),
            ("events", .integer(Int64(consent.events))),
        ])
    }

    /// If not all links are known any more, recipients up to then stand in its receipt alone.
    static func erasureOfRecipients(_ erasure: Erasure) -> WireValue {
        .object([
            ("id", .string(erasure.id)),
            ("requestedAt", .string(WireTime.format(erasure.requestedAt))),
            ("dataKeys", .integer(Int64(erasure.linkCount + erasure.goneCount))),
            ("keyLinksKnown", .integer(Int64(erasure.knownLinks.count))),
            (
                "recipientsUpToThen",
                .string(
                    erasure.areLinksKnown
                        ? "in this answer" : "in receipt \(erasure.id)")
            ),
        ])
    }

    static func erasure(
        _ erasure: Erasure, dueAt: Milliseconds
    ) -> [(name: String, value: WireValue)] {
        [
            ("id", .string(erasure.id)), ("number", .integer(Int64(clamping: erasure.number))),
            ("state", .string(erasure.state.rawValue)),
            ("person", .string(HexText.text(erasure.person.bytes))),
            ("reference", .optional(erasure.reference)),
            ("requestedAt", .string(WireTime.format(erasure.requestedAt))),
            ("requestedBy", .string(erasure.client)),
            ("dueAt", erasure.state == .requested ? .string(WireTime.format(dueAt)) : .null),
            ("destroyedAt", time(erasure.destroyedAt)), ("fence", .bool(erasure.hasFence)),
            ("dataKeys", .integer(Int64(erasure.linkCount))),
        ]
    }

    private static func time(_ time: Milliseconds?) -> WireValue {
        .optional(time.map(WireTime.format))
    }
}
