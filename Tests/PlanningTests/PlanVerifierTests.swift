import Graphs
import Operations
import Tensors
import Testing

@testable import Planning

/// Wrong patches, each of which the verifier refuses.
@Suite("The verifier of plans")
struct PlanVerifierTests {
    /// An op that returns its input, with or without an effect.
    private struct Step: Op {
        var isEffect = false
        var dtype = DataType.float32

        static var traits: OpTraits { [.effect] }
        var traits: OpTraits { isEffect ? [.effect] : [] }

        func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
            [TensorFact(dtype, PartialShape([2]))]
        }
    }

    /// x -> first -> second (an effect) -> third, which is fetched.
    private func plan() -> Plan {
        var plan = Plan()
        var value = plan.addValue(TensorFact(.float32, PartialShape([2])))
        plan.feeds = [value]
        for isEffect in [false, true, false] {
            let output = plan.addValue(TensorFact(.float32, PartialShape([2])))
            plan.append(
                Plan.Node(
                    work: .op(Step(isEffect: isEffect)), inputs: [value], outputs: [output], guarded: .always,
                    region: Plan.outermost, state: nil, origin: Plan.Origin(node: "n\(output)", op: "Step")))
            value = output
        }
        plan.fetch(value, .always, name: "n3:0")
        return plan
    }

    private func reason(_ change: (inout PlanPatch, Plan) throws -> Void) rethrows -> String? {
        let plan = plan()
        var patch = PlanPatch(of: plan)
        try change(&patch, plan)
        let verifier = PlanVerifier()
        do throws(OpError) { try verifier.check(patch, of: plan) } catch { return error.reason }
        return nil
    }

    @Test("a right patch passes: a node forwarded to its input")
    func right() {
        #expect(
            reason { patch, _ in
                patch.replace(1, with: 0)
                patch.remove(0)
            } == nil)
    }

    @Test("nodes are inserted before others, any number before one, and before those that were inserted")
    func insertion() {
        var plan = plan()
        func step(_ name: String, _ plan: inout Plan) -> Plan.Node {
            let output = plan.addValue(TensorFact(.float32, PartialShape([2])))
            return Plan.Node(
                work: .op(Step()), inputs: [0], outputs: [output], guarded: .always, region: Plan.outermost, state: nil,
                origin: Plan.Origin(node: name, op: "Step"))
        }
        var wanted: [Plan.NodeID] = []
        for number in 0..<50_000 { wanted.append(plan.insert(step("a\(number)", &plan), before: 1)) }
        wanted = [0] + wanted + [1, 2]
        var inner = wanted[70]
        for number in 0..<200 {
            let id = plan.insert(step("b\(number)", &plan), before: inner)
            wanted.insert(id, at: 70)
            #expect(plan.runs(id, before: inner) && plan.runs(wanted[69], before: id))
            inner = id
        }
        plan.compact()
        #expect(plan.schedule == wanted)
        wanted.append(plan.append(step("c", &plan)))
        wanted.insert(plan.insert(step("d", &plan), before: 0), at: 0)
        plan.remove([1])
        wanted.removeAll { $0 == 1 }
        plan.compact()
        #expect(plan.schedule == wanted)
    }

    @Test("an effect is not removed, and a fetched value is not lost")
    func removal() {
        #expect(reason { patch, _ in patch.remove(1) }?.contains("has an effect") == true)
        #expect(reason { patch, _ in patch.remove(2) }?.contains("is fetched") == true)
    }

    @Test("a replacement has the dtype, and says at least as much of the shape")
    func replacement() {
        let facts = [
            TensorFact(.int32, PartialShape([2])), TensorFact(.float32, PartialShape([3])),
            TensorFact(.float32, .unknown),
        ]
        for fact in facts {
            #expect(
                reason { patch, _ in
                    let constant = patch.addConstant(fact)
                    patch.replace(1, with: constant)
                }?.contains("is replaced by") == true)
        }
    }

    @Test("a value is not used before it is computed")
    func order() throws {
        #expect(reason { patch, _ in patch.replace(1, with: 3) }?.contains("not computed where it is used") == true)
        #expect(
            try reason { patch, plan in _ = try patch.add(Step(), [3], before: 0, in: plan) }?
                .contains("not computed yet") == true)
    }

    @Test("no effect is added, no op changes its outputs, no node runs under another condition")
    func others() throws {
        #expect(
            try reason { patch, plan in _ = try patch.add(Step(isEffect: true), [0], before: 1, in: plan) }?
                .contains("is a new effect") == true)
        #expect(reason { patch, _ in patch.setOp(Step(dtype: .int64), of: 0) }?.contains("gets an op") == true)
        #expect(reason { patch, _ in patch.setOp(Step(), of: 1) }?.contains("other outputs") == true)
        #expect(reason { patch, _ in patch.setGuard(.never, of: 0) }?.contains("another condition") == true)
    }

    @Test("a patch that is applied moves uses, and takes the node out")
    func application() {
        var plan = plan()
        plan.apply(
            {
                var patch = PlanPatch(of: plan); patch.replace(1, with: 0); patch.remove(0); return patch
            }())
        plan.compact()
        #expect(plan.schedule == [1, 2])
        #expect(plan.nodes[1].inputs == [0])
        #expect(plan.uses[0] == [1])
    }
}
