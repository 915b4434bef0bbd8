import Foundation
import Testing

@testable import Server

struct OfflineContractTests {
    private static func complaint(
        _ contract: OfflineContract, _ event: String
    ) -> OfflineContract.Complaint? {
        do throws(OfflineContract.Complaint) {
            try contract.check(Array(event.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func `an event is judged as the server judges it`() throws {
        let contract = try OfflineContract(document: Array(TestEvents.contract.utf8))
        #expect(contract.ref == TestEvents.ref)
        #expect(Self.complaint(contract, TestEvents.event()) == nil)
        for refused in EventRouteTests.refusedEvents {
            let complaint = try #require(Self.complaint(contract, refused.event))
            #expect(complaint.kind == refused.slug)
            #expect(complaint.pointer == refused.pointer)
            #expect(complaint.rule == refused.rule)
            #expect(!complaint.expected.contains("SMCANARY"))
        }
        #expect(Self.complaint(contract, TestEvents.event(url: "x"))?.ruleID == "regex:url")
    }

    @Test func `a document that is no contract is refused with its place`() {
        for text in ["{}", "ref: 1", "", "{\"ref\":"] {
            #expect(throws: OfflineContract.Refused.self) {
                try OfflineContract(document: Array(text.utf8))
            }
        }
        do throws(ContractDifference.Refused) {
            _ = try ContractDifference.compare(
                old: Array(TestEvents.contract.utf8), new: Array("{}".utf8))
            Issue.record("compared")
        } catch {
            #expect(!error.isOld)
            #expect(error.description.hasPrefix("/ref (required)"))
        }
    }
}
