internal import Kernels
package import Operations
package import Tensors

extension Plan {
    /// What depends on shapes only is folded up to here.
    private static let foldLimitBytes = 1 << 20

    /// The plan for given shapes of the feeds: shapes inferred, what becomes constant by them folded.
    ///
    /// - Throws: ``OpError`` where shapes do not fit.
    package func specialized(for feedShapes: [Shape], options: PassOptions, observe: PlanObserver? = nil)
        throws(OpError) -> Plan
    {
        var plan = self
        for (value, shape) in zip(feeds, feedShapes) { plan.facts[value].shape = PartialShape(shape) }
        _ = try plan.infer(options, foldLimitBytes: Self.foldLimitBytes)
        observe?("shapes", 0, plan)
        try PassDriver(options: options, form: .specialized, observe: observe).run(on: &plan)
        return plan
    }

    /// The program for given shapes of the feeds: kernels in order, and a place for every value.
    ///
    /// - Throws: ``OpError`` where shapes do not fit, a kernel is missing, or the memory would exceed the limit.
    package func program(for feedShapes: [Shape], limitBytes: Int, options: PassOptions) throws(OpError) -> Program {
        let schedule = try Schedule(try specialized(for: feedShapes, options: options), limitBytes: limitBytes)
        var layout = ProgramLayout(schedule, limitBytes: limitBytes)
        return try layout.program(general: self)
    }
}
