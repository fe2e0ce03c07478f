package import Graphs
package import Operations
package import Planning
package import Tensors

/// How a plan and a program came about, for people: `metaserve inspect --plan`.
package struct PlanExplanation: Sendable {
    /// The plan after a pass that changed it.
    package struct Stage: Sendable {
        /// The pass; `import` for the plan as it was imported.
        package let pass: String
        package let form: PlanForm
        /// The number of the pass's patches.
        package let patches: Int
        /// The nodes, in the order in which they run.
        package let rows: [PlanRow]
    }

    /// The plans in order: those for any shapes, then those for the given shapes.
    package let stages: [Stage]
    /// The program; nil where no shapes were given.
    package let program: ProgramListing?
}

extension Session {
    /// Plans for feeds and fetches, and tells how the plan came about. Nothing is kept.
    ///
    /// - Parameters:
    ///   - feeds: The fed tensors.
    ///   - fetches: The fetched tensors.
    ///   - shapes: The shapes of the feeds; nil for no program.
    ///   - additions: Nodes that only this call adds to the graph; nil for none.
    /// - Returns: The plans after each pass, and the program.
    /// - Throws: ``OpError``, as ``callable(feeds:fetches:)`` does, and where the shapes do not fit.
    package func explain(
        feeds: [Endpoint], fetches: [Endpoint], shapes: [Shape]?, additions: GraphAdditions? = nil
    ) throws(OpError) -> PlanExplanation {
        let compiler = additions.map { self.compiler.extended(to: $0.graph) } ?? self.compiler
        var stages: [PlanExplanation.Stage] = []
        let (plan, binding) = try compiler.plan(feeds: try facts(ofFeeds: feeds), fetches: fetches) {
            pass, patches, plan in
            stages.append(PlanExplanation.Stage(pass: pass, form: .general, patches: patches, rows: plan.listing))
        }
        guard let shapes else { return PlanExplanation(stages: stages, program: nil) }
        let program = try plan.programListing(
            for: shapes, binding, limitBytes: limitBytes, options: compiler.options
        ) { pass, patches, plan in
            stages.append(PlanExplanation.Stage(pass: pass, form: .specialized, patches: patches, rows: plan.listing))
        }
        return PlanExplanation(stages: stages, program: program)
    }
}

extension Callable {
    /// The plan and the program that serve the shapes seen last; nil before the first call.
    ///
    /// - Returns: One stage, the plan for any shapes as it is, and the program, lowered again for its listing.
    /// - Throws: ``OpError`` where the program cannot be made again.
    package func explainLatest() throws(OpError) -> (shapes: [Shape], explanation: PlanExplanation)? {
        guard let shapes = shapesSeen(atMost: 1).first else { return nil }
        let stage = PlanExplanation.Stage(pass: "", form: .general, patches: 0, rows: plan.listing)
        let program = try plan.programListing(for: shapes, binding, limitBytes: limitBytes, options: options)
        return (shapes, PlanExplanation(stages: [stage], program: program))
    }
}
