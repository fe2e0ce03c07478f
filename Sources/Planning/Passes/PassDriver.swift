internal import Operations

/// Runs passes over a plan until none has anything to do.
struct PassDriver {
    /// More rounds than passes need, so that two that undo each other end.
    private static let maxRounds = 8

    let options: PassOptions
    let form: PlanForm
    /// The plan's weights in the version that it is made for.
    let weights: WeightEvaluation
    /// Gets the plan after each pass that changed it, and the number of its patches.
    var observe: PlanObserver?

    /// Applies all patches.
    ///
    /// - Throws: ``OpError`` of kind `malformed` where a pass makes a wrong patch; what ops' rules throw.
    func run(on plan: inout Plan) throws(OpError) {
        let verifier = PlanVerifier()
        for _ in 0..<Self.maxRounds {
            var isChanged = false
            for pass in PassList.all where options.enables(pass) && pass.forms.contains(form) {
                let patches = try run(pass.init(), on: &plan, verifier)
                if patches > 0 {
                    isChanged = true
                    observe?(pass.name, patches, plan)
                }
            }
            if !isChanged { return }
        }
    }

    private func run(
        _ pass: some PlanPass, on plan: inout Plan, _ verifier: PlanVerifier
    ) throws(OpError) -> Int {
        var pass = pass
        pass.begin(plan, options)
        var count = 0
        let name = type(of: pass).name
        for id in plan.schedule where plan.nodes[id].isPresent && plan.refusals[name]?.contains(id) != true {
            guard let patch = try pass.rewrite(id, in: plan) else { continue }
            guard try fulfils(patch, &plan) else {
                plan.refusals[name, default: []].insert(id)
                continue
            }
            try verifier.check(patch, of: plan)
            plan.apply(patch)
            count += 1
        }
        if count > 0 { plan.compact() }
        return count
    }

    /// Whether the version's weights fulfil the conditions of a patch.
    private func fulfils(_ patch: PlanPatch, _ plan: inout Plan) throws(OpError) -> Bool {
        guard !patch.conditions.isEmpty else { return true }
        plan.addWeights(of: patch)
        weights.extend(to: plan.weights)
        var isFulfilled = true
        for condition in patch.conditions where isFulfilled { isFulfilled = try weights.isTrue(condition) }
        plan.weights = weights.weights
        return isFulfilled
    }
}
