internal import Kernels
package import Operations
package import Tensors

extension Plan {
    /// What depends on shapes only is folded up to here.
    private static let foldLimitBytes = 1 << 20

    /// The plan for given shapes of the feeds: shapes inferred, what becomes constant by them folded.
    ///
    /// - Parameters:
    ///   - feedShapes: The shapes.
    ///   - binding: The plan's weights in a version.
    ///   - options: The passes that run.
    ///   - observe: Gets the plan after each pass that changed it.
    /// - Returns: The plan.
    /// - Throws: ``OpError`` where shapes do not fit.
    package func specialized(
        for feedShapes: [Shape], _ binding: WeightBinding, options: PassOptions, observe: PlanObserver? = nil
    ) throws(OpError) -> Plan {
        var plan = self
        for (value, shape) in zip(feeds, feedShapes) { plan.facts[value].shape = PartialShape(shape) }
        let weights = WeightEvaluation(binding)
        _ = try plan.infer(options, weights, foldLimitBytes: Self.foldLimitBytes)
        observe?("shapes", 0, plan)
        try PassDriver(options: options, form: .specialized, weights: weights, observe: observe).run(on: &plan)
        return plan
    }

    /// The program for given shapes of the feeds: kernels in order, and a place for every value.
    ///
    /// - Throws: ``OpError`` where shapes do not fit, a kernel is missing, or the memory would exceed the limit.
    package func program(
        for feedShapes: [Shape], _ binding: WeightBinding, limitBytes: Int, options: PassOptions
    ) throws(OpError) -> Program {
        let schedule = try Schedule(try specialized(for: feedShapes, binding, options: options), limitBytes: limitBytes)
        var layout = ProgramLayout(schedule, limitBytes: limitBytes)
        return try layout.program(general: self)
    }
}
