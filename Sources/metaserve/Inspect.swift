import API
import ArgumentParser
import Checkpoints
import Execution
import Graphs
import Operations
import Serving
import Tensors

/// `metaserve inspect`
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "List the variables, inputs, outputs and ops of a model.")

    @Argument(help: "A model folder, a file of a model, or a folder of model folders.")
    var path: String

    @Flag(help: "Print one line of JSON per model.")
    var json = false

    @Flag(help: "Follow paths in a checkpoint file that lead to other folders.")
    var followPaths = false

    @Flag(help: "Show how a call is planned: the plan after each pass, and the program's steps.")
    var plan = false

    @Option(help: "With --plan: value of an input, as NAME=VALUE; repeatable. (default: zeros of an example's shape)")
    var feed: [String] = []

    @Option(help: "With --plan: tensor to compute; repeatable. (default: the model's outputs)")
    var fetch: [String] = []

    @Flag(help: "With --plan: run the program ten times and show the shortest time of each step.")
    var profile = false

    @Option(
        help: "Numbers that products keep their weights in: fp32 or bf16. (default: the model's setting, or fp32)",
        transform: Parse.precision)
    var precision: Precision?

    @Option(
        name: .customLong("disable-pass"), help: "Pass of the planner that does not run; repeatable.",
        transform: Parse.pass)
    var disabledPasses: [String] = []

    /// The number of runs of a profile.
    private static let profileRuns = 10

    func validate() throws {
        guard plan || (feed.isEmpty && fetch.isEmpty && !profile) else {
            throw ValidationError("--feed, --fetch and --profile say what to plan: add --plan")
        }
    }

    func run() throws {
        for path in try ModelFolders.find(in: path) {
            let model: Model
            do throws(ModelError) {
                model = try Model(
                    contentsOf: path, threadCount: 1, followsPaths: followPaths, disabledPasses: Set(disabledPasses),
                    precision: precision)
            } catch {
                // Weights can be listed without a graph.
                guard let reader = (try? CheckpointReader(folder: path)) ?? (try? CheckpointReader(prefix: path)) else {
                    throw error
                }
                try show(path, reader, error)
                continue
            }
            if plan {
                try showPlan(of: model)
            } else if json {
                print(try InspectedModel(model).line())
            } else {
                show(model)
            }
        }
    }

    private func showPlan(of model: Model) throws {
        var values: [String: FeedValue] = [:]
        for text in feed {
            let argument = try FeedArgument(text)
            let input = model.inputs.first {
                $0.name == argument.name || $0.tensor == argument.name || $0.tensor == argument.name + ":0"
            }
            values[argument.name] = FeedValue(text: try argument.json(for: input))
        }
        let call = try model.explain(
            feeds: values, fetches: fetch.isEmpty ? nil : fetch, runs: profile ? Self.profileRuns : nil)
        if json { return print(try PlanDocument(call).line()) }
        print("\(model.name): \(model.format), \(model.prefix)")
        PlanReport(call).show()
    }

    private func show(_ path: String, _ reader: CheckpointReader, _ error: ModelError) throws {
        if json { return print(try InspectedModel(path, reader, error: error).line()) }
        print("\(path): \(reader.format) without a graph, \(reader.prefix)")
        print("  note: it cannot be served: \(error)")
        show(reader)
    }

    private func show(_ model: Model) {
        let version = model.version.map { ", version \($0)" } ?? ""
        print("\(model.name): \(model.format), \(model.prefix)\(version)" + (model.step.map { ", step \($0)" } ?? ""))
        for warning in model.warnings { print("  warning: \(warning)") }
        for note in model.notes { print("  note: \(note)") }
        print("  variables: \(model.variablesMode.rawValue), because \(model.variablesReason)")
        print("  precision: \(model.precision.rawValue)")
        if let reader = model.reader { show(reader) }
        for signature in model.signatures.values.sorted(by: { $0.name < $1.name }) { show(signature) }
        show(title("Inputs", model.inputs), model.inputs)
        show(title("Outputs", model.outputs), model.outputs)
        showOps(of: model.graph)
    }

    private func title(_ title: String, _ tensors: [TensorDescription]) -> String {
        tensors.contains(where: \.isGuessed) ? "\(title) (guessed from the graph: the model has no signature)" : title
    }

    private func show(_ signature: Signature) {
        print("\nSignature \(signature.name)")
        let rows = [("input", signature.inputs), ("output", signature.outputs)].flatMap { direction, tensors in
            tensors.map { tensor in
                [direction, tensor.name, tensor.tensor, tensor.dtype?.name ?? "?", tensor.shape.description]
            }
        }
        Table.print(["", "name", "tensor", "dtype", "shape"], rows)
    }

    private func show(_ reader: CheckpointReader) {
        print("\nTensors of the checkpoint")
        let tensors = reader.tensors
        Table.print(
            ["name", "dtype", "shape", "shard", "bytes"],
            tensors.map { tensor in
                [
                    tensor.name, tensor.dtype.name, tensor.shape.description,
                    tensor.shards.map(String.init).joined(separator: ","), "\(tensor.byteCount)",
                ]
            })
        let noun = tensors.count == 1 ? "tensor" : "tensors"
        print("  \(tensors.count) \(noun), \(tensors.reduce(0) { $0 + $1.byteCount }) bytes")
    }

    private func show(_ title: String, _ tensors: [TensorDescription]) {
        print("\n\(title)")
        let hasKeys = tensors.contains { $0.name != $0.tensor }
        Table.print(
            ["name"] + (hasKeys ? ["tensor"] : []) + ["dtype", "shape", "default", ""],
            tensors.map { tensor in
                [tensor.name] + (hasKeys ? [tensor.tensor] : []) + [
                    tensor.dtype?.name ?? "?", tensor.shape.description,
                    tensor.defaultValue.map { DefaultNumber($0).description } ?? "", tensor.note ?? "",
                ]
            })
    }

    private func showOps(of graph: Graph) {
        let ops = InspectedOp.all(of: graph)
        print("\nOps")
        Table.print(
            ["op", "nodes", ""],
            ops.map { [$0.name, "\($0.nodes)", $0.remark] })
        let missing = ops.filter(\.isMissing)
        print(
            "  \(graph.nodes.count) nodes of \(ops.count) ops; not supported: \(missing.count) ops of "
                + "\(missing.map(\.nodes).reduce(0, +)) nodes. Unsupported ops matter only if a fetch depends on them.")
    }
}
