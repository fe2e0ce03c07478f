import Execution
import Planning
import Serving

/// The time of a step of a program as text.
enum StepText {
    /// Microseconds, and the share of the total.
    static func time(_ nanoseconds: UInt64, of total: UInt64) -> String {
        let share = total == 0 ? 0 : Int((Double(nanoseconds) / Double(total) * 100).rounded())
        return "\(microseconds(nanoseconds)) us \(share) %"
    }

    /// Microseconds with one decimal.
    static func microseconds(_ nanoseconds: UInt64) -> String {
        let tenths = (nanoseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// Where the time of a run goes: by kernel, and by step.
struct ProfileReport: Encodable {
    /// A kernel, with all steps that it computes.
    struct Kernel: Encodable {
        let kernel: String
        let steps: Int
        let nanoseconds: UInt64
    }

    /// A step of the program.
    struct Step: Encodable {
        let step: Int
        let kernel: String
        let outputs: [String]
        /// The names of the graph's nodes that the step computes.
        let nodes: [String]
        let nanoseconds: UInt64
    }

    /// The slowest kernel first.
    let kernels: [Kernel]
    /// The slowest step first.
    let steps: [Step]

    private static let shownSteps = 25

    /// - Parameter call: A call with times.
    init(_ call: ExplainedCall) {
        let times = call.nanoseconds ?? []
        steps = zip(call.explanation.program?.rows ?? [], times).enumerated().map { index, step in
            Step(
                step: index, kernel: step.0.kernel, outputs: step.0.outputs, nodes: step.0.names, nanoseconds: step.1)
        }.sorted { ($1.nanoseconds, $0.step) < ($0.nanoseconds, $1.step) }
        kernels = Dictionary(grouping: steps, by: \.kernel).map { kernel, steps in
            Kernel(kernel: kernel, steps: steps.count, nanoseconds: steps.reduce(0) { $0 + $1.nanoseconds })
        }.sorted { ($1.nanoseconds, $0.kernel) < ($0.nanoseconds, $1.kernel) }
    }

    /// Prints a table of kernels, and one of the slowest steps.
    ///
    /// - Parameter width: The columns of the terminal.
    func show(width: Int = Terminal.width) {
        let total = kernels.reduce(0) { $0 + $1.nanoseconds }
        print("\nTime by kernel: \(StepText.microseconds(total)) us in all steps, the shortest time of each")
        Table.print(
            ["kernel", "steps", "time"],
            kernels.map { [$0.kernel, "\($0.steps)", StepText.time($0.nanoseconds, of: total)] }, width: width)
        print("\nTime by node")
        Table.print(
            ["step", "time", "kernel", "outputs", "node"],
            steps.prefix(Self.shownSteps).map { step in
                [
                    "\(step.step)", StepText.time(step.nanoseconds, of: total), step.kernel,
                    step.outputs.joined(separator: ", "), step.nodes.joined(separator: " = "),
                ]
            }, width: width)
        let rest = steps.dropFirst(Self.shownSteps)
        if !rest.isEmpty {
            let time = StepText.time(rest.reduce(0) { $0 + $1.nanoseconds }, of: total)
            print("  and \(rest.count) faster steps: \(time)")
        }
    }
}
