import Testing

@testable import Query

@Suite("The gate in front of the store's readers", .timeLimit(.minutes(1)))
struct ReadGateTests {
    @Test("lets in so many, and the next when one leaves")
    func turns() async {
        let gate = ReadGate(concurrentMax: 2)
        #expect(await gate.enter() == .granted)
        #expect(await gate.enter() == .granted)
        async let third = gate.enter()
        gate.leave()
        #expect(await third == .granted)
        gate.leave()
        gate.leave()
        #expect(await gate.enter() == .granted)
    }

    @Test("turns away who finds the line full")
    func full() async {
        let gate = ReadGate(concurrentMax: 1, waitingMax: 0)
        #expect(await gate.enter() == .granted)
        #expect(await gate.enter() == .full)
        gate.leave()
        #expect(await gate.enter() == .granted)
    }

    @Test("a cancelled reader leaves the line and takes nobody's place")
    func cancelled() async {
        let gate = ReadGate(concurrentMax: 1)
        #expect(await gate.enter() == .granted)
        let impatient = Task { await gate.enter() }
        impatient.cancel()
        #expect(await impatient.value == .cancelled)
        gate.leave()
        #expect(await gate.enter() == .granted)
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await gate.enter()
        }
        #expect(await early.value == .cancelled)
        gate.leave()
        #expect(await gate.enter() == .granted)
    }

    @Test("five thousand pass one by one")
    func many() async {
        let gate = ReadGate(concurrentMax: 3)
        let granted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5_000 {
                group.addTask {
                    let entry = await gate.enter()
                    await Task.yield()
                    gate.leave()
                    return entry == .granted
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(granted == 5_000)
    }
}
